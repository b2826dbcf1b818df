#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/options_internal.h"
#include "common/secret.h"

#include "common/banned.h"

#define SECRET_MAX 4096

static bool has_controls(const char *s)
{
    for (; *s != '\0'; s++)
        if (iscntrl((unsigned char)*s))
            return true;
    return false;
}

/* Keep a copy of `value`, which `variable` gave. */
static int copy_secret(const char *variable, const char *value, char **ret)
{
    char *copy;

    if (has_controls(value)) {
        log_error("%s holds a control character; it must be one line of text", variable);
        return -EBADMSG;
    }
    copy = strdup(value);
    if (copy == NULL || secret_keep(value) < 0) {
        free(copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

/* Open what `variable` names, if it is a file for its owner alone. */
static int open_private(const char *variable, const char *path, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int r;

    if (fd < 0 || fstat(fd, &st) < 0) {
        r = -errno;
        log_error("%s: cannot read %s: %s", variable, path, strerror(-r));
    } else if (!S_ISREG(st.st_mode)) {
        r = -EINVAL;
        log_error("%s: %s is not a file", variable, path);
    } else if (st.st_uid != geteuid() && st.st_uid != 0) {
        r = -EACCES;
        log_error("%s: %s belongs to somebody else", variable, path);
    } else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
        r = -EACCES;
        log_error("%s: others may read %s; run: chmod 600 %s", variable, path, path);
    } else {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static int read_secret_file(const char *variable, const char *path, char **ret)
{
    char text[SECRET_MAX + 1];
    ssize_t len;
    int fd = -1, r;

    r = open_private(variable, path, &fd);
    if (r < 0)
        return r;
    len = read(fd, text, sizeof(text));
    r = len < 0 ? -errno : 0;
    close(fd);
    if (r == 0 && (size_t)len == sizeof(text))
        r = -EFBIG;
    if (r < 0) {
        log_error("%s: cannot read %s: %s", variable, path, strerror(-r));
        goto out;
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len] = '\0';
    if (len == 0 || strlen(text) != (size_t)len) {
        r = -EBADMSG;
        log_error("%s: %s must hold one line of text", variable, path);
        goto out;
    }
    r = copy_secret(variable, text, ret);
out:
    explicit_bzero(text, sizeof(text));
    return r;
}

int options_secret(const struct options_result *r, const char *name, char **ret)
{
    char file_variable[OPTION_NAME_MAX];
    const char *value, *path;

    snprintf(file_variable, sizeof(file_variable), "%s_FILE", name);
    value = option_unless_empty(getenv(name));
    path = option_unless_empty(getenv(file_variable));
    if (value == NULL && path == NULL) {
        value = option_unless_empty(envfile_get(r->env, name));
        path = option_unless_empty(envfile_get(r->env, file_variable));
    }
    if (value != NULL)
        return copy_secret(name, value, ret);
    if (path != NULL)
        return read_secret_file(file_variable, path, ret);
    *ret = NULL;
    return 0;
}
