#include "publisher/feeds/conditions.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/macros.h"

#include "common/banned.h"

#define NOTHING 0
#define VOLUME MOVES_VOLUME
#define NO_LAST (MOVES_VOLUME | MOVES_RANGE)
#define ALL MOVES_ALL

/* The strictest counts, but when it was made is kept. */
static unsigned narrow(unsigned moves, unsigned by)
{
    return (moves & by & MOVES_ALL) | ((moves | by) & (MOVES_EXTENDED | MOVES_CLOSING));
}

unsigned conditions_finnhub(unsigned moves, const char *code, bool odd_lots)
{
    static const unsigned char table[] = {
        [1] = ALL,                   /* regular */
        [2] = ALL,                   /* acquisition */
        [3] = VOLUME,                /* average price */
        [4] = ALL,                   /* bunched */
        [5] = VOLUME,                /* cash sale */
        [6] = ALL,                   /* distribution */
        [7] = ALL,                   /* automatic execution */
        [8] = ALL,                   /* intermarket sweep */
        [9] = NO_LAST,               /* bunched sold */
        [10] = VOLUME,               /* price variation */
        [11] = VOLUME,               /* cap election */
        [12] = VOLUME,               /* odd lot */
        [13] = ALL,                  /* rule 127 */
        [14] = ALL,                  /* rule 155 */
        [15] = ALL,                  /* sold last */
        [16] = NOTHING,              /* market center official close */
        [17] = VOLUME,               /* next day */
        [18] = ALL,                  /* market center opening trade */
        [19] = ALL,                  /* opening prints */
        [20] = NOTHING,              /* market center official open */
        [21] = NO_LAST,              /* prior reference price */
        [22] = VOLUME,               /* seller */
        [23] = ALL,                  /* split trade */
        [24] = ALL | MOVES_EXTENDED, /* form T */
        [25] = VOLUME,               /* extended hours, out of sequence */
        [26] = VOLUME,               /* contingent */
        [27] = VOLUME,               /* stock-option */
        [28] = ALL,                  /* cross */
        [29] = ALL,                  /* yellow flag */
        [30] = NO_LAST,              /* sold, out of sequence */
        [31] = VOLUME,               /* stopped stock */
        [32] = NO_LAST,              /* derivatively priced */
        [33] = ALL,                  /* market center re-opening trade */
        [34] = ALL,                  /* re-opening prints */
        [35] = ALL | MOVES_CLOSING,  /* market center closing trade */
        [36] = ALL | MOVES_CLOSING,  /* closing prints */
        [37] = VOLUME,               /* qualified contingent */
        [38] = ALL,                  /* placeholder of rule 611 exempt */
        [39] = MOVES_RANGE,          /* corrected consolidated close */
        [40] = ALL,                  /* opened */
        [41] = ALL,                  /* trade-through exempt */
    };
    char *end;
    unsigned long number = strtoul(code, &end, 10);
    unsigned by = VOLUME;

    if (code[0] >= '0' && code[0] <= '9' && *end == '\0' && number > 0 &&
        number < ARRAY_SIZE(table))
        by = number == 12 && odd_lots ? ALL : table[number];
    return narrow(moves, by);
}

unsigned conditions_tape(unsigned moves, const char *code, char tape, bool odd_lots)
{
    static const struct {
        const char *codes, *tapes; /* NULL: all */
        unsigned moves;
    } table[] = {
        {" @", NULL, ALL},
        {"ADY", "C", ALL},
        {"B", "AB", VOLUME}, /* average price there, bunched here */
        {"B", "C", ALL},
        {"CNRWHUV7", NULL, VOLUME},
        {"EFKLOX5", NULL, ALL},
        {"6", NULL, ALL | MOVES_CLOSING},
        {"G", "C", NO_LAST},
        {"PZ4", NULL, NO_LAST},
        {"MQ", NULL, NOTHING},
        {"9", NULL, MOVES_RANGE},
        {"T", NULL, ALL | MOVES_EXTENDED},
    };
    unsigned by = VOLUME;

    if (strlen(code) != 1)
        return narrow(moves, by);
    if (code[0] == 'I')
        return narrow(moves, odd_lots ? ALL : VOLUME);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        if (strchr(table[i].codes, code[0]) != NULL &&
            (table[i].tapes == NULL || (tape != '\0' && strchr(table[i].tapes, tape) != NULL)))
            by = table[i].moves;
    return narrow(moves, by);
}
