#include "gateway/codec/mqtt.h"

#include <stddef.h>

#include "common/banned.h"

static const char *const names[256] = {
    [MQTT_SUCCESS] = "success",
    [MQTT_DISCONNECT_WITH_WILL] = "disconnect_with_will",
    [MQTT_NO_SUBSCRIPTION_EXISTED] = "no_subscription_existed",
    [MQTT_CONTINUE_AUTHENTICATION] = "continue_authentication",
    [MQTT_REAUTHENTICATE] = "reauthenticate",
    [MQTT_UNSPECIFIED_ERROR] = "unspecified_error",
    [MQTT_MALFORMED_PACKET] = "malformed_packet",
    [MQTT_PROTOCOL_ERROR] = "protocol_error",
    [MQTT_IMPLEMENTATION_ERROR] = "implementation_error",
    [MQTT_UNSUPPORTED_VERSION] = "unsupported_version",
    [MQTT_CLIENT_ID_INVALID] = "client_id_invalid",
    [MQTT_BAD_CREDENTIALS] = "bad_credentials",
    [MQTT_NOT_AUTHORIZED] = "not_authorized",
    [MQTT_SERVER_UNAVAILABLE] = "server_unavailable",
    [MQTT_SERVER_BUSY] = "server_busy",
    [MQTT_BANNED] = "banned",
    [MQTT_SERVER_SHUTTING_DOWN] = "server_shutting_down",
    [MQTT_BAD_AUTH_METHOD] = "bad_auth_method",
    [MQTT_KEEP_ALIVE_TIMEOUT] = "keep_alive_timeout",
    [MQTT_SESSION_TAKEN_OVER] = "session_taken_over",
    [MQTT_FILTER_INVALID] = "filter_invalid",
    [MQTT_TOPIC_INVALID] = "topic_invalid",
    [MQTT_PACKET_ID_IN_USE] = "packet_id_in_use",
    [MQTT_PACKET_ID_NOT_FOUND] = "packet_id_not_found",
    [MQTT_RECEIVE_MAX_EXCEEDED] = "receive_max_exceeded",
    [MQTT_TOPIC_ALIAS_INVALID] = "topic_alias_invalid",
    [MQTT_PACKET_TOO_LARGE] = "packet_too_large",
    [MQTT_RATE_TOO_HIGH] = "rate_too_high",
    [MQTT_QUOTA_EXCEEDED] = "quota_exceeded",
    [MQTT_ADMINISTRATIVE_ACTION] = "administrative_action",
    [MQTT_PAYLOAD_FORMAT_INVALID] = "payload_format_invalid",
    [MQTT_RETAIN_NOT_SUPPORTED] = "retain_not_supported",
    [MQTT_QOS_NOT_SUPPORTED] = "qos_not_supported",
    [MQTT_USE_ANOTHER_SERVER] = "use_another_server",
    [MQTT_SERVER_MOVED] = "server_moved",
    [MQTT_SHARED_NOT_SUPPORTED] = "shared_not_supported",
    [MQTT_CONNECTION_RATE_EXCEEDED] = "connection_rate_exceeded",
    [MQTT_MAXIMUM_CONNECT_TIME] = "maximum_connect_time",
    [MQTT_SUBSCRIPTION_ID_NOT_SUPPORTED] = "subscription_id_not_supported",
    [MQTT_WILDCARD_NOT_SUPPORTED] = "wildcard_not_supported",
};

const char *mqtt_reason_name(uint8_t reason)
{
    return names[reason] != NULL ? names[reason] : "unknown";
}
