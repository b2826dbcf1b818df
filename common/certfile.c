#include "common/certfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

#include "common/banned.h"

int certfile_check(const char *who, const char *path, bool is_key)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int r = 0;

    if (fd < 0 || fstat(fd, &st) < 0) {
        r = -errno;
        log_error("%s: cannot read %s: %s", who, path, strerror(-r));
    } else if (is_key && (st.st_mode & (S_IRWXO | S_IWGRP))) {
        r = -EACCES;
        log_error("%s: others may read the key %s; run: chmod 600 %s", who, path, path);
    }
    if (fd >= 0)
        close(fd);
    return r;
}
