#include "examples/display/screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/banned.h"

/* The alternate screen keeps what was there; a console without one (TERM=linux) ignores that and is
 * left with the last table, the cursor below it. */
#define ENTER "\033[?1049h\033[2J\033[?25l"
#define LEAVE "\033[0m\033[?25h\033[999;1H\033[?1049l"
#define HOME "\033[H"
#define LINE_END "\033[K\r\n"
#define FRAME_END "\033[J" /* erases from the cursor to the end of the screen */

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        len -= (size_t)n;
    }
    return 0;
}

void screen_enter(struct screen *s, int in_fd, int out_fd)
{
    struct termios quiet;

    *s = (struct screen){.out_fd = out_fd, .in_fd = in_fd, .on = true};
    if (isatty(in_fd) && tcgetattr(in_fd, &s->saved) == 0) {
        s->has_saved = true;
        quiet = s->saved;
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON); /* keys must not scribble on the table */
        tcsetattr(in_fd, TCSANOW, &quiet);
    }
    (void)!write_all(out_fd, ENTER, strlen(ENTER)); /* the first frame tells of any trouble */
}

void screen_leave(struct screen *s)
{
    if (!s->on)
        return;
    s->on = false;
    (void)!write_all(s->out_fd, LEAVE, strlen(LEAVE));
    if (s->has_saved)
        tcsetattr(s->in_fd, TCSAFLUSH, &s->saved);
}

int screen_show(const struct screen *s, const char *text, size_t len)
{
    char *frame = NULL;
    size_t frame_len = 0;
    FILE *out = open_memstream(&frame, &frame_len);
    int r;

    if (out == NULL)
        return -errno;
    fputs(HOME, out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            fputs(LINE_END, out);
        else
            fputc(text[i], out);
    }
    fputs("\033[K" FRAME_END, out);
    if (fclose(out) != 0) {
        free(frame);
        return -ENOMEM;
    }
    r = write_all(s->out_fd, frame, frame_len);
    free(frame);
    return r;
}

void screen_size(int fd, int *ret_columns, int *ret_lines)
{
    struct winsize size = {0};

    (void)ioctl(fd, TIOCGWINSZ, &size);
    *ret_columns = size.ws_col > 0 ? size.ws_col : 80;
    *ret_lines = size.ws_row > 0 ? size.ws_row : 24;
}
