#include "gateway/doors/mqtt_access.h"

#include "gateway/codec/mqtt_encode.h"
#include "gateway/doors/gate.h"
#include "gateway/doors/mqtt_encoding.h"
#include "gateway/hub/hub.h"

#include "common/banned.h"

#define AUTH_PACKET_MAX 32

/* Returns whether the token is one; the connection then has its grant. */
static bool take_token(struct mqtt_session *s, struct slice token, const char **ret_why)
{
    struct grant *fresh;

    if (gate_check(session_worker(s), token, &fresh, ret_why) < 0)
        return false;
    grant_unref(s->conn->grant);
    s->conn->grant = fresh;
    return true;
}

uint8_t mqtt_access_connect(struct mqtt_session *s, const struct mqtt_connect *p,
                            const char **ret_why)
{
    bool locked = session_worker(s)->shared->auth != NULL;
    struct slice token = p->password;

    s->may_renew = p->auth_method.at != NULL;
    if (s->may_renew && (!locked || !slice_is(p->auth_method, MQTT_AUTH_METHOD))) {
        *ret_why = locked ? "the authentication method offered here is " MQTT_AUTH_METHOD
                          : "no authentication method is offered here";
        return MQTT_BAD_AUTH_METHOD;
    }
    if (!locked)
        return MQTT_SUCCESS;
    if (s->may_renew)
        token = (struct slice){p->auth_data.at != NULL ? p->auth_data.at : "", p->auth_data.len};
    if (token.at != NULL)
        return take_token(s, token, ret_why) ? MQTT_SUCCESS : MQTT_BAD_CREDENTIALS;
    if (s->conn->grant != NULL && s->conn->grant->anonymous && s->conn->grant->topics.n == 0) {
        *ret_why = "a token is needed, as the password";
        return MQTT_NOT_AUTHORIZED;
    }
    return MQTT_SUCCESS;
}

void mqtt_access_renew(struct mqtt_session *s, const struct mqtt_auth *p)
{
    uint8_t packet[AUTH_PACKET_MAX];
    const char *why = "the authentication method cannot change";
    struct filterset allowed, nothing = {0};
    int less;

    if (!s->may_renew || p->reason != MQTT_REAUTHENTICATE) {
        mqtt_session_disconnect(s, MQTT_PROTOCOL_ERROR, "nothing here asked for this packet");
    } else if (!slice_is(p->method, MQTT_AUTH_METHOD)) {
        mqtt_session_disconnect(s, MQTT_PROTOCOL_ERROR, why);
    } else if (!take_token(s, (struct slice){p->data.at != NULL ? p->data.at : "", p->data.len},
                           &why)) {
        mqtt_session_disconnect(s, MQTT_NOT_AUTHORIZED, why);
    } else {
        less = gate_narrow(s->conn->grant, hub_filters(&s->reader), &allowed);
        if (less == 1)
            less = mqtt_session_subscribe(s, &allowed, &nothing);
        if (less < 0) {
            mqtt_session_disconnect(s, MQTT_UNSPECIFIED_ERROR, "there is no memory");
            return;
        }
        mqtt_session_answer(s, packet, mqtt_encode_auth(packet, sizeof(packet), MQTT_AUTH_METHOD));
        hub_serve(session_worker(s)->hub, &s->reader);
    }
}
