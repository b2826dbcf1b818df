/*
 * grpc.health.v1.Health: the services serve while the broker's retained values are here.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/doors/grpc.h"
#include "gateway/upstream.h"
#include "gateway/worker.h"

#include "grpc/health/v1/health.pb-c.h"

#include "common/banned.h"

typedef Grpc__Health__V1__HealthCheckRequest health_request;
typedef Grpc__Health__V1__HealthCheckResponse health_response;

/* "" is the whole server; else a service as methods' paths name it: "/name/Method". */
static bool is_service(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; grpc_methods[i] != NULL; i++) {
        const char *path = grpc_methods[i]->path;
        if (strncmp(path + 1, name, len) == 0 && path[1 + len] == '/')
            return true;
    }
    return len == 0;
}

static int status_now(const struct grpc_call *call)
{
    return upstream_is_synced(worker_of(call->stream->conn)->upstream)
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

static void tell(struct grpc_call *call, int status)
{
    health_response a = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    uint8_t bytes[16];

    call->state = status;
    a.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    grpc_send(call, bytes, grpc__health__v1__health_check_response__pack(&a, bytes));
}

static void on_check(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    health_request *q = grpc__health__v1__health_check_request__unpack(NULL, len, bytes);

    if (q == NULL) {
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "This is no HealthCheckRequest.");
    } else if (!is_service(q->service)) {
        grpc_finish(call, GRPC_NOT_FOUND, "There is no such service.");
    } else {
        grpc_open(call);
        tell(call, status_now(call));
        grpc_finish(call, GRPC_OK, "");
    }
    grpc__health__v1__health_check_request__free_unpacked(q, NULL);
}

static void on_watch(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    health_request *q = grpc__health__v1__health_check_request__unpack(NULL, len, bytes);

    if (q == NULL) {
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "This is no HealthCheckRequest.");
        return;
    }
    grpc_open(call);
    if (is_service(q->service)) {
        tell(call, status_now(call));
        grpc_tick(call);
    } else { /* the stream stays open, as the protocol wants it */
        tell(call, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN);
    }
    grpc__health__v1__health_check_request__free_unpacked(q, NULL);
}

static void on_tick(struct grpc_call *call)
{
    int now = status_now(call);

    if (now != call->state && call->stream->kept_len == 0)
        tell(call, now);
}

const struct grpc_method grpc_health_check = {.path = "/grpc.health.v1.Health/Check",
                                              .message = on_check};
const struct grpc_method grpc_health_watch = {
    .path = "/grpc.health.v1.Health/Watch", .message = on_watch, .tick = on_tick};
