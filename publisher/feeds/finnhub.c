/*
 * The feed `finnhub`: polls `GET /quote` for one symbol after the other, one request at a time, as
 * often as the plan allows. https://finnhub.io/docs/api/quote
 *
 * What it is to the outside is its `health`, which each answer sets anew:
 *
 *     health     the last answer                                   the next call
 *     GOOD       a price, or no news                               as the budget allows
 *     EMPTY      no price, of any symbol                           as the budget allows
 *     FAULTY     none, or one that the service does not mean       after a backoff up to 15 s
 *     LIMITED    too many calls                                    when it says, else next minute
 *     LOCKED     the key is not accepted                           after a backoff up to 60 s
 *     UNCOVERED  not in the plan, for every symbol                 when one is due again
 *
 * A symbol that the plan does not cover is asked again after a minute, then after two, four … up to
 * an hour: the plan may change, and no restart should be needed.
 *
 * The streaming feed that comes will offer its trades to the same `lastgood` of each slot and leave
 * to this polling the symbols that it does not hear of.
 */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/log.h"
#include "publisher/feed.h"
#include "publisher/feeds/budget.h"
#include "publisher/feeds/finnhub_answer.h"
#include "publisher/feeds/lastgood.h"
#include "publisher/feeds/wellknown.h"

#include "common/banned.h"

#define REQUEST_MAX_MS 10000L
#define BODY_MAX 65536
#define BASE_URL_MAX 512
#define FAULT_FIRST_MS 1000
#define FAULT_MAX_MS 15000
#define LOCKED_FIRST_MS 10000
#define LOCKED_MAX_MS 60000
#define DENIED_FIRST_MS 60000
#define DENIED_MAX_MS 3600000
#define LIMIT_MAX_S INT64_C(300) /* however long the service wants us to wait */
#define LIMIT_JITTER_MS 2000     /* so that many clients do not return in the same moment */

enum health { STARTING, GOOD, EMPTY, FAULTY, LIMITED, LOCKED, UNCOVERED };

struct slot {
    const char *symbol;
    struct lastgood good;
    bool asked;             /* has been answered at least once */
    bool told;              /* something odd about it has been logged */
    uint32_t denials;       /* in a row: not in the plan */
    struct mono not_before; /* while denied */
};

struct feed {
    struct feed_config config;
    struct slot *slots;
    size_t n_slots, turn; /* the next slot to ask */
    size_t n_denied;      /* slots that the plan does not cover */
    size_t barren;        /* answers without a price in a row */
    bool has_price;       /* of any symbol, ever */

    struct budget budget;
    struct backoff faults, refusals;
    struct rng rng;
    struct mono hold_until; /* nothing is asked before */

    CURLM *multi; /* for one request, so that a stop interrupts it */
    CURL *easy;
    struct curl_slist *headers;
    struct slot *asking; /* whose answer is under way; NULL between requests */
    size_t base_len;     /* of the URL, without a slash at its end */
    char body[BODY_MAX + 1];
    size_t body_len;

    enum health health;
    pthread_mutex_t lock;
    struct feed_state state; /* under the lock */
};

/*
 * Health
 */

/* Told once, when it changes: details within one health do not count as news. */
static void PRINTF_LIKE(3, 4)
    set_health(struct feed *f, enum health health, const char *format, ...)
{
    static const enum feed_condition conditions[] = {
        [STARTING] = FEED_STARTING, [GOOD] = FEED_LIVE,     [EMPTY] = FEED_WAITING,
        [FAULTY] = FEED_FAULT,      [LIMITED] = FEED_FAULT, [LOCKED] = FEED_FAILED,
        [UNCOVERED] = FEED_FAILED,
    };
    va_list args;

    if (health == f->health)
        return;
    f->health = health;
    pthread_mutex_lock(&f->lock);
    f->state.condition = conditions[health];
    va_start(args, format);
    vsnprintf(f->state.detail, sizeof(f->state.detail), format, args);
    va_end(args);
    pthread_mutex_unlock(&f->lock);
}

static void hold(struct feed *f, int64_t ms)
{
    f->hold_until = mono_add_ms(mono_now(), ms);
}

static void is_faulty(struct feed *f, const char *what)
{
    hold(f, backoff_next_ms(&f->faults));
    set_health(f, FAULTY, "%s; asking again", what);
}

/* In how many seconds the service wants to be asked again; 0 when it does not say. */
static int64_t told_wait_s(struct feed *f)
{
    struct curl_header *reset;
    curl_off_t retry_after_s = 0;
    int64_t reset_s, now_s = wall_now().ms / 1000;

    curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    if (retry_after_s > 0)
        return retry_after_s;
    if (curl_easy_header(f->easy, "X-Ratelimit-Reset", 0, CURLH_HEADER, -1, &reset) != CURLHE_OK)
        return 0;
    reset_s = strtoll(reset->value, NULL, 10);
    return reset_s > now_s ? reset_s - now_s : 0;
}

static int64_t limit_wait_ms(struct feed *f)
{
    int64_t told_s = told_wait_s(f), wait_ms = 60000 - wall_now().ms % 60000;

    if (told_s > 0)
        wait_ms = told_s < LIMIT_MAX_S ? told_s * 1000 : LIMIT_MAX_S * 1000;
    return wait_ms + (int64_t)rng_below(&f->rng, LIMIT_JITTER_MS);
}

static void is_limited(struct feed *f)
{
    int64_t wait_ms = limit_wait_ms(f);

    hold(f, wait_ms);
    set_health(f, LIMITED,
               "rate limit of the plan reached (--finnhub-calls-per-minute); pausing %" PRId64 " s",
               (wait_ms + 999) / 1000);
}

static void is_locked(struct feed *f, long http_status)
{
    hold(f, backoff_next_ms(&f->refusals));
    set_health(f, LOCKED, "the key is not accepted (HTTP %ld): check FINNHUB_API_KEY", http_status);
}

/* The service answered as it should, about this symbol or that. */
static void is_well(struct feed *f)
{
    backoff_reset(&f->faults);
    backoff_reset(&f->refusals);
    if (f->n_denied == f->n_slots)
        set_health(f, UNCOVERED, "none of the symbols is in the plan of this key");
    else if (f->barren >= f->n_slots - f->n_denied)
        set_health(f, EMPTY, "the service has no price of any symbol now");
    else if (f->has_price)
        set_health(f, GOOD, "%zu symbols, at most %" PRIu32 " calls a minute", f->n_slots,
                   f->budget.per_minute);
    else if (f->health != STARTING)
        set_health(f, EMPTY, "the service has no price of any symbol yet");
}

/*
 * Answers
 */

static void tell_once(struct slot *s, const char *what)
{
    if (!s->told)
        log_info("finnhub: %s: %s", s->symbol, what);
    s->told = true;
}

static void is_denied(struct feed *f, struct slot *s, long http_status)
{
    int64_t wait_ms = DENIED_MAX_MS;

    if (s->denials++ == 0) {
        f->n_denied++;
        log_warn("finnhub: %s is not in the plan of this key (HTTP %ld): asked again only now and "
                 "then",
                 s->symbol, http_status);
    }
    if (s->denials < 7)
        wait_ms = DENIED_FIRST_MS << (s->denials - 1);
    s->not_before = mono_add_ms(mono_now(), wait_ms);
    is_well(f);
}

static void is_granted(struct feed *f, struct slot *s)
{
    if (s->denials == 0)
        return;
    s->denials = 0;
    f->n_denied--;
    log_info("finnhub: %s is in the plan of this key now", s->symbol);
}

static void is_empty(struct feed *f, struct slot *s)
{
    is_granted(f, s);
    f->barren++;
    if (!s->good.known)
        tell_once(s, "the service knows no price: not covered, misspelt, or not traded yet");
    is_well(f);
}

/* Returns true when *q is news. */
static bool is_quote(struct feed *f, struct slot *s, struct quote *q)
{
    enum lastgood_verdict verdict;

    memcpy(q->symbol, s->symbol, strlen(s->symbol) + 1);
    verdict = lastgood_offer(&s->good, q, wall_now());
    if (verdict == LASTGOOD_FUTURE)
        tell_once(s, "left out a price with a time in the future");
    if (verdict == LASTGOOD_JUMP)
        tell_once(s, "left out a price far off the last, until a second one confirms it");
    is_granted(f, s);
    f->barren = 0;
    f->has_price = true;
    is_well(f);
    return verdict == LASTGOOD_NEWS;
}

static const char *describe(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer within 10 s";
    case CURLE_WRITE_ERROR:
        return "an answer of more than 64 KiB";
    default:
        return curl_easy_strerror(result);
    }
}

static void is_unfit(struct feed *f, long http_status)
{
    char what[32];

    snprintf(what, sizeof(what), "HTTP %ld", http_status);
    is_faulty(f, http_status == 200 ? "an answer that is no quote" : what);
}

/* Returns true when *ret is news to publish. */
static bool digest(struct feed *f, struct slot *s, CURLcode result, struct quote *ret)
{
    long http_status = 0;

    s->asked = true;
    if (result != CURLE_OK) {
        is_faulty(f, describe(result));
        return false;
    }
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &http_status);
    f->body[f->body_len] = '\0';
    switch (finnhub_read(http_status, f->body, ret)) {
    case FINNHUB_QUOTE:
        return is_quote(f, s, ret);
    case FINNHUB_NO_DATA:
        is_empty(f, s);
        break;
    case FINNHUB_NO_ACCESS:
        is_denied(f, s, http_status);
        break;
    case FINNHUB_BAD_KEY:
        is_locked(f, http_status);
        break;
    case FINNHUB_TOO_MANY:
        is_limited(f);
        break;
    case FINNHUB_FAULT:
        is_unfit(f, http_status);
        break;
    }
    return false;
}

/*
 * Requests
 */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct feed *f = ctx;
    size_t len = size * n;

    if (len > BODY_MAX - f->body_len)
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    memcpy(f->body + f->body_len, bytes, len);
    f->body_len += len;
    return len;
}

static int request(struct feed *f, struct slot *s)
{
    char *escaped = curl_easy_escape(f->easy, s->symbol, 0);
    char url[BASE_URL_MAX + sizeof("/quote?symbol=") + (size_t)3 * SYMBOL_MAX];

    if (escaped == NULL) {
        log_error("finnhub: out of memory");
        return -ENOMEM;
    }
    snprintf(url, sizeof(url), "%.*s/quote?symbol=%s", (int)f->base_len,
             f->config.options->finnhub_url, escaped);
    curl_free(escaped);
    if (curl_easy_setopt(f->easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_multi_add_handle(f->multi, f->easy) != CURLM_OK) {
        log_error("finnhub: cannot make a request");
        return -ENOMEM;
    }
    f->asking = s;
    f->body_len = 0;
    budget_spend(&f->budget, mono_now());
    return 0;
}

/* Wait for the answer under way. Returns 0 and sets *ret; -ETIMEDOUT; -ECANCELED. */
static int await(struct feed *f, struct mono deadline, CURLcode *ret)
{
    struct curl_waitfd stop = {.fd = f->config.stop_fd, .events = CURL_WAIT_POLLIN};

    for (;;) {
        int running, left;
        const CURLMsg *done;

        curl_multi_perform(f->multi, &running);
        done = curl_multi_info_read(f->multi, &left);
        if (done != NULL) {
            *ret = done->data.result;
            return 0;
        }
        if (!mono_before(mono_now(), deadline))
            return -ETIMEDOUT;
        stop.revents = 0;
        left = mono_timeout_ms(deadline, mono_now());
        curl_multi_poll(f->multi, &stop, 1, left < 0 ? (int)REQUEST_MAX_MS : left, NULL);
        if (stop.revents != 0)
            return -ECANCELED;
    }
}

/* Whose turn it is, and from when on it may be asked. */
static struct mono next_turn(struct feed *f, struct slot **ret)
{
    struct mono now = mono_now(), earliest = MONO_NEVER, allowed;

    for (size_t i = 0; i < f->n_slots; i++) {
        struct slot *s = &f->slots[(f->turn + i) % f->n_slots];

        if (mono_before(now, s->not_before)) {
            earliest = mono_earlier(earliest, s->not_before);
            continue;
        }
        *ret = s;
        allowed = budget_next(&f->budget, !s->asked);
        return mono_before(allowed, f->hold_until) ? f->hold_until : allowed;
    }
    return earliest;
}

/* Make the next request when it may be made. Returns 0 when nothing is wrong, -ETIMEDOUT, … */
static int ask_next(struct feed *f, struct mono deadline)
{
    struct slot *s = NULL;
    struct mono turn = next_turn(f, &s);
    int r = feed_wait(&f->config, mono_earlier(turn, deadline));

    if (r < 0)
        return r;
    if (mono_before(deadline, turn))
        return -ETIMEDOUT;
    if (s == NULL)
        return 0; /* one that was denied is due again */
    f->turn = (size_t)(s - f->slots + 1) % f->n_slots;
    return request(f, s);
}

static int finnhub_next(struct feed *f, struct mono deadline, struct quote *ret)
{
    CURLcode result;
    int r;

    for (;;) {
        struct slot *s = f->asking;

        if (s == NULL) {
            r = ask_next(f, deadline);
            if (r < 0)
                return r;
            continue;
        }
        r = await(f, deadline, &result);
        if (r < 0)
            return r;
        curl_multi_remove_handle(f->multi, f->easy);
        f->asking = NULL;
        if (digest(f, s, result, ret))
            return 0;
    }
}

static void finnhub_state(struct feed *f, struct feed_state *ret)
{
    pthread_mutex_lock(&f->lock);
    *ret = f->state;
    pthread_mutex_unlock(&f->lock);
}

/*
 * Opening and closing
 */

static int check_options(const struct feed_options *o)
{
    if (o->finnhub_key == NULL) {
        log_error("the feed finnhub needs a key: set FINNHUB_API_KEY, or FINNHUB_API_KEY_FILE to a "
                  "file that holds it (free at https://finnhub.io); --feed sim needs none");
        return -EINVAL;
    }
    for (const char *c = o->finnhub_key; *c != '\0'; c++)
        if (!isgraph((unsigned char)*c)) {
            log_error("FINNHUB_API_KEY holds a character that no key has: check it for blanks");
            return -EINVAL;
        }
    if ((strncmp(o->finnhub_url, "https://", 8) != 0 &&
         strncmp(o->finnhub_url, "http://", 7) != 0) ||
        strlen(o->finnhub_url) > BASE_URL_MAX) {
        log_error("--finnhub-url begins with https:// and has at most %d bytes", BASE_URL_MAX);
        return -EINVAL;
    }
    return 0;
}

static int make_slots(struct feed *f)
{
    const struct feed_config *c = &f->config;

    f->n_slots = c->n_symbols > 0 ? c->n_symbols : N_DEFAULT_SYMBOLS;
    f->slots = calloc(f->n_slots, sizeof(*f->slots));
    if (f->slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < f->n_slots; i++)
        f->slots[i].symbol = c->n_symbols > 0 ? c->symbols[i] : wellknown[i].symbol;
    return 0;
}

static int make_headers(struct feed *f)
{
    const char *key = f->config.options->finnhub_key;
    char header[512];
    int len = snprintf(header, sizeof(header), "X-Finnhub-Token: %s", key);

    if (len >= (int)sizeof(header)) {
        log_error("FINNHUB_API_KEY is longer than any key");
        return -EINVAL;
    }
    f->headers = curl_slist_append(NULL, header);
    explicit_bzero(header, sizeof(header));
    return f->headers != NULL ? 0 : -ENOMEM;
}

static int make_handles(struct feed *f)
{
    f->multi = curl_multi_init();
    f->easy = curl_easy_init();
    if (f->multi == NULL || f->easy == NULL)
        return -ENOMEM;
    curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(f->easy, CURLOPT_USERAGENT, "tapecast/" TAPECAST_VERSION);
    curl_easy_setopt(f->easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 0L); /* the key goes nowhere else */
    curl_easy_setopt(f->easy, CURLOPT_TIMEOUT_MS, REQUEST_MAX_MS);
    curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(f->easy, CURLOPT_QUICK_EXIT, 1L); /* a stop waits for no name server */
    curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
    return 0;
}

static void finnhub_close(struct feed *f)
{
    if (f == NULL)
        return;
    if (f->asking != NULL)
        curl_multi_remove_handle(f->multi, f->easy);
    curl_easy_cleanup(f->easy);
    curl_multi_cleanup(f->multi);
    curl_slist_free_all(f->headers);
    curl_global_cleanup();
    pthread_mutex_destroy(&f->lock);
    free(f->slots);
    free(f);
}

static int finnhub_open(const struct feed_config *config, struct feed **ret)
{
    const struct feed_options *o = config->options;
    struct feed *f;
    int r = check_options(o);

    if (r < 0)
        return r;
    f = calloc(1, sizeof(*f));
    if (f == NULL)
        return -ENOMEM;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_mutex_init(&f->lock, NULL);
    f->config = *config;
    f->base_len = strlen(o->finnhub_url);
    if (o->finnhub_url[f->base_len - 1] == '/')
        f->base_len--;
    budget_init(&f->budget, (uint32_t)o->finnhub_calls_per_minute);
    backoff_init(&f->faults, FAULT_FIRST_MS, FAULT_MAX_MS);
    backoff_init(&f->refusals, LOCKED_FIRST_MS, LOCKED_MAX_MS);
    rng_seed_random(&f->rng);

    r = make_slots(f);
    if (r == 0)
        r = make_headers(f);
    if (r == 0)
        r = make_handles(f);
    if (r < 0)
        finnhub_close(f);
    else
        *ret = f;
    return r;
}

const struct feed_ops feed_finnhub = {
    .name = "finnhub",
    .mode = MODE_LIVE,
    .open = finnhub_open,
    .next = finnhub_next,
    .state = finnhub_state,
    .close = finnhub_close,
};
