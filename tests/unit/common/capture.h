/*
 * capture -- what a test's subject writes to a standard stream, for tests that look at it.
 */
#ifndef TAPECAST_TESTS_CAPTURE_H
#define TAPECAST_TESTS_CAPTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct capture {
    int fd, saved, file;
    char text[16384];
};

/* From now on what is written to `fd` (STDOUT_FILENO, STDERR_FILENO) is kept instead. */
static inline void capture_begin(struct capture *k, int fd)
{
    fflush(NULL);
    k->fd = fd;
    k->saved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    k->file = memfd_create("capture", MFD_CLOEXEC);
    dup2(k->file, fd);
}

/* Put the stream back; `text` is what was written. */
static inline void capture_end(struct capture *k)
{
    ssize_t n;

    fflush(NULL);
    dup2(k->saved, k->fd);
    close(k->saved);
    n = pread(k->file, k->text, sizeof(k->text) - 1, 0);
    k->text[n < 0 ? 0 : n] = '\0';
    close(k->file);
}

/* Bytes written so far, before capture_end(). */
static inline off_t capture_size(const struct capture *k)
{
    struct stat st;

    return fstat(k->file, &st) == 0 ? st.st_size : 0;
}

/* How often `what` stands in the text. */
static inline int capture_count(const struct capture *k, const char *what)
{
    int n = 0;

    for (const char *p = strstr(k->text, what); p != NULL; p = strstr(p + 1, what))
        n++;
    return n;
}

#endif
