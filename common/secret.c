#include "common/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/url.h"

#include "common/banned.h"

#define FORMS 3 /* as it is; with \/ as JSON has it; as a URL has it */

static char *kept[SECRETS_MAX * FORMS];
static size_t n_kept;

static char *with_escaped_slashes(const char *text)
{
    char *copy = malloc(2 * strlen(text) + 1), *p = copy;

    for (; copy != NULL && *text != '\0'; text++) {
        if (*text == '/')
            *p++ = '\\';
        *p++ = *text;
    }
    if (copy != NULL)
        *p = '\0';
    return copy;
}

static char *as_in_url(const char *text)
{
    size_t cap = 3 * strlen(text) + 1;
    char *copy = malloc(cap);

    if (copy != NULL)
        url_escape(text, copy, cap);
    return copy;
}

int secret_keep(const char *text)
{
    char **forms = &kept[n_kept];

    if (strlen(text) < SECRET_SHORTEST || n_kept == SECRETS_MAX * FORMS)
        return 0;
    forms[0] = strdup(text);
    forms[1] = with_escaped_slashes(text);
    forms[2] = as_in_url(text);
    n_kept += FORMS;
    return forms[0] != NULL && forms[1] != NULL && forms[2] != NULL ? 0 : -ENOMEM;
}

void secret_mask(char *text, size_t len)
{
    for (size_t i = 0; i < n_kept; i++) {
        size_t secret_len = kept[i] != NULL ? strlen(kept[i]) : 0;
        char *p = text;

        while (secret_len > 0 &&
               (p = memmem(p, len - (size_t)(p - text), kept[i], secret_len)) != NULL)
            memset(p, '*', secret_len);
    }
}
