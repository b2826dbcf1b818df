#include "publisher/net/net.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "publisher/net/internal.h"
#include "publisher/net/playback.h"
#include "publisher/net/record.h"

#include "common/banned.h"

#define WATCHES_MAX 4 /* connections of one feed */

struct net {
    CURLM *multi;
    int stop_fd;
    const char *ca_file;
    struct list watches;
    struct record *record;
    struct playback *playback;
};

int net_new(int stop_fd, const char *ca_file, struct net **ret)
{
    struct net *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return -ENOMEM;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    n->stop_fd = stop_fd;
    n->ca_file = ca_file;
    list_init(&n->watches);
    n->multi = curl_multi_init();
    if (n->multi == NULL) {
        net_free(n);
        return -ENOMEM;
    }
    *ret = n;
    return 0;
}

void net_free(struct net *n)
{
    if (n == NULL)
        return;
    curl_multi_cleanup(n->multi);
    curl_global_cleanup();
    free(n);
}

/* Let all transfers go on, and tell those that are done. Returns whether there was one. */
static bool perform(struct net *n)
{
    const CURLMsg *message;
    bool any = false;
    int ignored;

    curl_multi_perform(n->multi, &ignored);
    while ((message = curl_multi_info_read(n->multi, &ignored)) != NULL) {
        struct transfer *t = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        t->done = true;
        t->result = message->data.result;
        any = true;
    }
    return any;
}

static struct watch *watch_of(struct list *node)
{
    return CONTAINER_OF(node, struct watch, node);
}

/* Fill `fds` behind the stop's. Returns how many there are, or 0 when somebody wants to run now. */
static unsigned watched(const struct net *n, struct curl_waitfd fds[1 + WATCHES_MAX],
                        struct mono *deadline)
{
    unsigned n_fds = 1;

    for (struct list *node = n->watches.next; node != &n->watches; node = node->next) {
        const struct watch *w = watch_of(node);

        if (w->wants_run)
            return 0;
        *deadline = mono_earlier(*deadline, w->deadline);
        if (n_fds <= WATCHES_MAX)
            fds[n_fds++] = (struct curl_waitfd){
                .fd = w->fd,
                .events = (short)(CURL_WAIT_POLLIN | (w->wants_out ? CURL_WAIT_POLLOUT : 0)),
            };
    }
    return n_fds;
}

int net_wait(struct net *n, struct mono deadline)
{
    struct curl_waitfd fds[1 + WATCHES_MAX] = {{.fd = n->stop_fd, .events = CURL_WAIT_POLLIN}};
    unsigned n_fds;
    int left_ms;

    if (n->playback != NULL)
        return playback_wait(n->playback, n->stop_fd, deadline);
    if (perform(n))
        return 0;
    n_fds = watched(n, fds, &deadline);
    left_ms = n_fds == 0 ? 0 : mono_timeout_ms(deadline, mono_now());
    curl_multi_poll(n->multi, fds, n_fds > 0 ? n_fds : 1, left_ms < 0 ? INT_MAX : left_ms, NULL);
    if (fds[0].revents != 0)
        return -ECANCELED;
    perform(n);
    return 0;
}

void net_record(struct net *n, struct record *r)
{
    n->record = r;
}

void net_play(struct net *n, struct playback *p)
{
    n->playback = p;
}

struct record *net_recorder(const struct net *n)
{
    return n->record;
}

struct playback *net_player(const struct net *n)
{
    return n->playback;
}

void net_turn(struct net *n, struct mono now)
{
    record_turn(n->record, now);
}

void net_watch(struct net *n, struct watch *w)
{
    list_append(&n->watches, &w->node);
}

int transfer_init(struct transfer *t, struct net *n)
{
    *t = (struct transfer){.easy = curl_easy_init()};
    if (t->easy == NULL)
        return -ENOMEM;
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L); /* keys go nowhere else */
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L); /* a stop waits for no name server */
    if (n->ca_file != NULL)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, n->ca_file);
    return 0;
}

void transfer_release(struct transfer *t, struct net *n)
{
    if (t->easy == NULL)
        return;
    transfer_stop(t, n);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
}

int transfer_start(struct transfer *t, struct net *n)
{
    t->done = false;
    if (curl_multi_add_handle(n->multi, t->easy) != CURLM_OK)
        return -ENOMEM;
    t->running = true;
    return 0;
}

void transfer_stop(struct transfer *t, struct net *n)
{
    if (t->running)
        curl_multi_remove_handle(n->multi, t->easy);
    t->running = t->done = false;
}

const char *transfer_describe(CURLcode result)
{
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer within 10 s";
    case CURLE_WRITE_ERROR:
        return "an answer longer than any it should give";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "the server's certificate is not trusted (--ca-file)";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the server's name is not found (DNS)";
    default:
        return curl_easy_strerror(result);
    }
}
