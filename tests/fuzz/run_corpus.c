/*
 * run_corpus -- stands in for libFuzzer where there is none: gives a target every file of the
 * folders named on the command line, once. An empty or missing corpus is an error.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/macros.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

/* A target may have one, as with libFuzzer. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static int run_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    uint8_t *copy;
    size_t n;

    if (f == NULL) {
        perror(path);
        return -1;
    }
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    copy = fuzz_copy(bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    return 0;
}

/* Returns the number of files run, or negative. */
static int run_folder(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    int n = 0;

    if (d == NULL) {
        perror(folder);
        return -1;
    }
    while (n >= 0 && (entry = readdir(d)) != NULL) {
        char path[PATH_MAX];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        n = run_file(path) < 0 ? -1 : n + 1;
    }
    closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    int total = 0;

    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        int n;

        if (argv[i][0] == '-')
            continue; /* libFuzzer's options */
        n = run_folder(argv[i]);
        if (n < 0)
            return 1;
        total += n;
    }
    fprintf(stderr, "%d inputs\n", total);
    return total > 0 ? 0 : 1;
}
