/*
 * finnhub_answer -- what an answer of Finnhub's `GET /quote` says.
 *
 *     {"c":333.27,"d":1.93,"dp":0.5825,"h":335.48,"l":331.87,"o":331.96,"pc":331.34,"t":1789580577}
 *
 * Zero is how the service says that it does not know: of the price or the time, that there is no
 * data; of another member, that it is left out. Pure: bytes in, a verdict out.
 */
#ifndef TAPECAST_PUBLISHER_FEEDS_FINNHUB_ANSWER_H
#define TAPECAST_PUBLISHER_FEEDS_FINNHUB_ANSWER_H

#include <stddef.h>

#include "common/quote.h"

enum finnhub_verdict {
    FINNHUB_QUOTE,     /* a price */
    FINNHUB_NO_DATA,   /* no price of this symbol now */
    FINNHUB_NO_ACCESS, /* this symbol is not in the plan */
    FINNHUB_BAD_KEY,
    FINNHUB_TOO_MANY, /* calls */
    FINNHUB_FAULT,    /* not an answer that the service means to give */
};

/* `body` is NUL-terminated; NULs within end it. Fills *ret, but for symbol, seq and mode, for
 * FINNHUB_QUOTE alone. */
enum finnhub_verdict finnhub_read(long http_status, const char *body, struct quote *ret);

#endif
