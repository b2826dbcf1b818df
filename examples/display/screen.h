/*
 * screen -- the terminal while a table is on it: the alternate screen, no cursor, no echo; put back
 * as it was by screen_leave().
 */
#ifndef TAPECAST_DISPLAY_SCREEN_H
#define TAPECAST_DISPLAY_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "common/macros.h"

struct screen {
    int out_fd, in_fd;
    bool on;
    bool has_saved;
    struct termios saved; /* of in_fd */
};

void screen_enter(struct screen *s, int in_fd, int out_fd);
void screen_leave(struct screen *s); /* nothing to do when not entered */

/* Show `text`, lines separated by '\n', from the top left corner, over what was there. Returns 0 or
 * a negative errno of writing. */
MUST_CHECK int screen_show(const struct screen *s, const char *text, size_t len);

/* The size of the terminal, 80 x 24 where it does not say. */
void screen_size(int fd, int *ret_columns, int *ret_lines);

#endif
