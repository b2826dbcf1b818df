#include "gateway/doors/files.h"

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "gateway/doors/doors.h"
#include "gateway/doors/http.h"
#include "gateway/worker.h"

#include "common/banned.h"

#define PATH_LONGEST 512

struct content {
    uint8_t *bytes; /* NULL when there is no such encoding */
    size_t len;
};

struct file {
    char *path; /* "/assets/app-4F7K2Q9A.js" */
    struct content plain, brotli, gzip;
    char hash[17];
    bool immutable;
};

struct files {
    struct file *list; /* sorted by path */
    size_t n;
    size_t bytes;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
};

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);

    return n >= k && strcmp(s + n - k, suffix) == 0;
}

static const char *type_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (ends_with(path, types[i].suffix))
            return types[i].type;
    return "application/octet-stream";
}

/* Does the name hold eight or more upper-case letters and digits between '-' or '.' and '.', as the
 * build puts them? */
static bool has_content_hash(const char *path)
{
    const char *name = strrchr(path, '/');
    const char *run;

    for (run = strpbrk(name, "-."); run != NULL; run = strpbrk(run, "-.")) {
        size_t n = 0;
        for (run++; isdigit((unsigned char)run[n]) || isupper((unsigned char)run[n]);)
            n++;
        if (n >= 8 && run[n] == '.')
            return true;
    }
    return false;
}

/* ---- loading ---- */

static int read_content(const char *path, struct content *ret)
{
    FILE *f = fopen(path, "rb");
    struct content c = {0};
    struct stat st;
    int r = 0;

    if (f == NULL || fstat(fileno(f), &st) < 0) {
        r = -errno;
        goto out;
    }
    c.len = (size_t)st.st_size;
    c.bytes = malloc(c.len + 1);
    if (c.bytes == NULL)
        r = -ENOMEM;
    else if (fread(c.bytes, 1, c.len, f) != c.len)
        r = -EIO;
    if (r == 0) {
        *ret = c;
        c.bytes = NULL; /* handed over */
    }
out:
    free(c.bytes);
    if (f != NULL)
        fclose(f);
    return r;
}

static void make_hash(struct file *f)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < f->plain.len; i++)
        h = (h ^ f->plain.bytes[i]) * UINT64_C(1099511628211);
    snprintf(f->hash, sizeof(f->hash), "%016llx", (unsigned long long)h);
}

/* nftw() has no argument of the caller's. */
static _Thread_local struct {
    struct files *files;
    size_t root_len;
    int error;
} walk;

static int add_file(const char *path, const char *name)
{
    struct files *fs = walk.files;
    struct file *list = realloc(fs->list, (fs->n + 1) * sizeof(*list));
    struct file *f;
    int r;

    if (list == NULL)
        return -ENOMEM;
    fs->list = list;
    f = &list[fs->n];
    *f = (struct file){.path = strdup(name)};
    if (f->path == NULL)
        return -ENOMEM;
    fs->n++; /* so that it is freed */
    r = read_content(path, &f->plain);
    if (r < 0)
        return r;
    make_hash(f);
    f->immutable = has_content_hash(name);
    fs->bytes += f->plain.len;
    return fs->bytes > FILES_MAX_BYTES ? -EFBIG : 0;
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    if (kind != FTW_F || path[ftw->base] == '.' || ends_with(path, ".br") || ends_with(path, ".gz"))
        return 0;
    walk.error = add_file(path, path + walk.root_len);
    return walk.error != 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

/* The sibling with `suffix`, if there is one. */
static void add_encoding(struct files *fs, const char *dir, const char *path, const char *suffix,
                         struct content *ret)
{
    char name[PATH_LONGEST];
    int n = snprintf(name, sizeof(name), "%s%s%s", dir, path, suffix);

    if (n > 0 && (size_t)n < sizeof(name) && read_content(name, ret) == 0)
        fs->bytes += ret->len;
}

int files_load(const char *dir, struct files **ret)
{
    struct files *fs = calloc(1, sizeof(*fs));
    int r = 0;

    if (fs == NULL)
        return -ENOMEM;
    walk.files = fs;
    walk.root_len = strlen(dir);
    while (walk.root_len > 1 && dir[walk.root_len - 1] == '/')
        walk.root_len--;
    walk.error = 0;
    if (nftw(dir, visit, 16, FTW_PHYS) < 0)
        r = -errno;
    else
        r = walk.error;
    if (r < 0) {
        log_error("cannot read the dashboard in %s: %s", dir,
                  r == -EFBIG ? "it is larger than 64 MiB" : strerror(-r));
        files_free(fs);
        return r;
    }
    for (size_t i = 0; i < fs->n; i++) {
        add_encoding(fs, dir, fs->list[i].path, ".br", &fs->list[i].brotli);
        add_encoding(fs, dir, fs->list[i].path, ".gz", &fs->list[i].gzip);
    }
    if (fs->n > 0)
        qsort(fs->list, fs->n, sizeof(*fs->list), by_path);
    *ret = fs;
    return 0;
}

void files_free(struct files *fs)
{
    if (fs == NULL)
        return;
    for (size_t i = 0; i < fs->n; i++) {
        free(fs->list[i].path);
        free(fs->list[i].plain.bytes);
        free(fs->list[i].brotli.bytes);
        free(fs->list[i].gzip.bytes);
    }
    free(fs->list);
    free(fs);
}

/* ---- serving ---- */

static const struct file *find(const struct files *fs, const char *path)
{
    struct file key = {.path = (char *)(uintptr_t)path};

    if (fs == NULL || fs->n == 0)
        return NULL;
    return bsearch(&key, fs->list, fs->n, sizeof(*fs->list), by_path);
}

/* Does the request's Accept-Encoding take `coding` (and not with q=0)? */
static bool accepts(const struct http_head *h, const char *coding)
{
    struct slice rest = http_head_field(h, "accept-encoding"), member;
    size_t n = strlen(coding);

    while (http_list_next(&rest, &member)) {
        const char *q;
        if (member.len < n || strncasecmp(member.at, coding, n) != 0 ||
            (member.len > n && member.at[n] != ';' && member.at[n] != ' '))
            continue;
        q = memmem(member.at + n, member.len - n, "q=", 2);
        return q == NULL || strspn(q + 2, "0.") < (size_t)(member.at + member.len - q - 2);
    }
    return false;
}

/* *ret_coding is "" for none. */
static const struct content *choose(const struct file *f, const struct http_head *h,
                                    const char **ret_coding)
{
    *ret_coding = "br";
    if (f->brotli.bytes != NULL && accepts(h, *ret_coding))
        return &f->brotli;
    *ret_coding = "gzip";
    if (f->gzip.bytes != NULL && accepts(h, *ret_coding))
        return &f->gzip;
    *ret_coding = "";
    return &f->plain;
}

static bool is_current(const char *etag, const struct http_head *h)
{
    struct slice rest = http_head_field(h, "if-none-match"), member;

    while (http_list_next(&rest, &member)) {
        if (member.len > 2 && member.at[0] == 'W' && member.at[1] == '/')
            member = (struct slice){member.at + 2, member.len - 2};
        if (slice_is(member, etag) || slice_is(member, "*"))
            return true;
    }
    return false;
}

static void serve(const struct http_request *r, const struct file *f)
{
    const char *coding;
    const struct content *content = choose(f, r->head, &coding);
    char etag[32], fields[256];
    struct http_answer a = {.status = 200, .type = type_of(f->path), .fields = fields};

    snprintf(etag, sizeof(etag), "\"%s%s%s\"", f->hash, *coding ? "-" : "", coding);
    snprintf(fields, sizeof(fields),
             "ETag: %s\r\nCache-Control: %s\r\nVary: Accept-Encoding\r\n%s%s%s", etag,
             f->immutable ? "public, max-age=31536000, immutable" : "no-cache",
             *coding ? "Content-Encoding: " : "", coding, *coding ? "\r\n" : "");
    if (is_current(etag, r->head)) {
        a.status = 304;
        a.type = NULL;
    } else {
        a.body = content->bytes;
        a.len = content->len;
    }
    http_answer(r, &a);
}

void door_files(const struct http_request *r)
{
    const struct files *fs = worker_of(r->conn)->shared->files;
    char path[PATH_LONGEST];
    const struct file *f;
    int n = http_path_decode(r->head->path, path, sizeof(path) - sizeof("index.html"));

    if (n == -EINVAL) {
        http_problem(r, 400, "", "The path is not one that could be here.");
        return;
    }
    if (n > 0 && path[n - 1] == '/')
        memcpy(path + n, "index.html", sizeof("index.html"));
    f = n > 0 ? find(fs, path) : NULL; /* else longer than any */
    if (f != NULL)
        serve(r, f);
    else if (slice_is(r->head->path, "/"))
        http_problem(r, 404, "",
                     "The dashboard is not there: build it with `npm run build` in dashboard/ and "
                     "start the gateway with --web dashboard/dist.");
    else
        http_problem(r, 404, "", "Nothing is here. The dashboard is at /.");
}
