#include "publisher/replay/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/banned.h"

#define INPUT_BUFFER (128 * 1024)

struct textfile {
    gzFile gz;
    off_t size;
    const char *damage;
};

int textfile_open(const char *path, struct textfile **ret)
{
    struct textfile *t = calloc(1, sizeof(*t));
    struct stat st;
    int fd = -1, r = -ENOMEM;

    if (t == NULL)
        goto out;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        r = -errno;
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        r = -EISDIR;
        goto out;
    }
    t->size = st.st_size;
    t->gz = gzdopen(fd, "rb");
    if (t->gz == NULL)
        goto out;
    fd = -1; /* closed with t->gz */
    gzbuffer(t->gz, INPUT_BUFFER);

    *ret = t;
    t = NULL;
    r = 0;
out:
    if (fd >= 0)
        close(fd);
    textfile_close(t);
    return r;
}

void textfile_close(struct textfile *t)
{
    if (t == NULL)
        return;
    if (t->gz != NULL)
        gzclose(t->gz);
    free(t);
}

/* zlib reports a gzip stream that stops early at the read after the last bytes, as Z_BUF_ERROR and
 * no bytes, but wrong data as -1. */
long textfile_read(struct textfile *t, char *buf, size_t cap)
{
    int n = gzread(t->gz, buf, (unsigned)cap);
    int status = Z_OK;

    if (n > 0)
        return n;
    gzerror(t->gz, &status);
    if (status == Z_ERRNO)
        return errno != 0 ? -errno : -EIO;
    if (status == Z_MEM_ERROR)
        return -ENOMEM;
    if (status == Z_BUF_ERROR)
        t->damage = "its gzip data ends early";
    else if (status != Z_OK && status != Z_STREAM_END)
        t->damage = "its gzip data is damaged";
    return 0;
}

const char *textfile_damage(const struct textfile *t)
{
    return t->damage;
}

int textfile_percent(const struct textfile *t)
{
    z_off_t at = gzoffset(t->gz);

    if (t->size <= 0 || at < 0)
        return 0;
    return at >= t->size ? 100 : (int)(at * 100 / t->size);
}
