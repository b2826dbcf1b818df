#include "publisher/status.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "common/banned.h"

/* cJSON takes NULL for an object that memory did not suffice for and adds nothing to it. */
static char *print_and_delete(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);
    return text;
}

char *status_encode(const struct status *s)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "state", s->online ? "online" : "offline");
    cJSON_AddStringToObject(json, "feed", s->feed->name);
    cJSON_AddStringToObject(json, "condition", feed_condition_name(s->feed_state.condition));
    cJSON_AddStringToObject(json, "detail", s->feed_state.detail);
    cJSON_AddNumberToObject(json, "symbols", s->counts.symbols);
    cJSON_AddNumberToObject(json, "published", (double)s->counts.published);
    cJSON_AddNumberToObject(json, "conflated", (double)s->counts.conflated);
    cJSON_AddNumberToObject(json, "rejected", (double)s->counts.rejected);
    cJSON_AddStringToObject(json, "mode", quote_mode_name(s->feed->mode));
    cJSON_AddNumberToObject(json, "timestamp", (double)s->timestamp.ms);
    return print_and_delete(json);
}

char *status_encode_will(const struct feed_ops *feed)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "state", "offline");
    cJSON_AddStringToObject(json, "feed", feed->name);
    cJSON_AddStringToObject(json, "mode", quote_mode_name(feed->mode));
    return print_and_delete(json);
}

void status_topic(const char *instance, char buf[STATUS_TOPIC_MAX])
{
    static const char prefix[] = "status/publisher/";
    size_t len = sizeof(prefix) - 1;

    memcpy(buf, prefix, len);
    len += topic_level_escape(instance, strlen(instance), buf + len, STATUS_TOPIC_MAX - len - 1);
    buf[len] = '\0';
}
