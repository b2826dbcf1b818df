/*
 * grpc.reflection: what services there are and what their messages look like, so that grpcurl and
 * its like work without the .proto files. v1 and v1alpha have the same messages.
 *
 * The descriptions are a FileDescriptorSet made by the build. Of protobuf's own message types only
 * a few members matter here, so they are picked out of the bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/doors/grpc.h"

#include "descriptors.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#include "common/banned.h"

#define SERVICES_MAX 16
#define NAME_MAX_LEN 256

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

/* ---- descriptors ---- */

/* Numbers of members in descriptor.proto. */
enum { SET_FILE = 1, FILE_NAME = 1, FILE_PACKAGE = 2, FILE_MESSAGE = 4, FILE_ENUM = 5 };
enum { FILE_SERVICE = 6, ANY_NAME = 1, SERVICE_METHOD = 2 };

struct bytes {
    const uint8_t *at;
    size_t len;
};

/* The build's own bytes: they are what they should be. */
static uint64_t take_varint(struct bytes *b)
{
    uint64_t value = 0;

    for (int shift = 0; b->len > 0; shift += 7) {
        uint8_t byte = *b->at++;
        b->len--;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            break;
    }
    return value;
}

/* Take the next member off the front; of other kinds than strings and messages *ret is empty.
 * Returns its number; 0 at the end. */
static unsigned take_member(struct bytes *rest, struct bytes *ret)
{
    uint64_t tag, len;

    if (rest->len == 0)
        return 0;
    tag = take_varint(rest);
    len = take_varint(rest); /* of a number: the number */
    *ret = (struct bytes){rest->at, 0};
    if ((tag & 7) == 2 && len <= rest->len) {
        ret->len = len;
        rest->at += len;
        rest->len -= len;
    }
    return (unsigned)(tag >> 3);
}

/* The first member of this number. */
static struct bytes member(struct bytes in, unsigned number)
{
    struct bytes found = {NULL, 0};
    unsigned n;

    while ((n = take_member(&in, &found)) != 0)
        if (n == number)
            return found;
    return (struct bytes){NULL, 0};
}

static bool next_file(struct bytes *rest, struct bytes *ret)
{
    return take_member(rest, ret) == SET_FILE;
}

static struct bytes all_files(void)
{
    return (struct bytes){proto_descriptors, proto_descriptors_len};
}

/* "package.name", or with `sub` "package.name.sub". */
static void full_name(struct bytes file, struct bytes of, struct bytes sub, char buf[NAME_MAX_LEN])
{
    struct bytes package = member(file, FILE_PACKAGE), name = member(of, ANY_NAME);
    struct bytes last = member(sub, ANY_NAME);

    snprintf(buf, NAME_MAX_LEN, "%.*s%s%.*s%s%.*s", (int)package.len, (const char *)package.at,
             package.len > 0 ? "." : "", (int)name.len, (const char *)name.at,
             last.len > 0 ? "." : "", (int)last.len, (const char *)last.at);
}

static bool has_method(struct bytes file, struct bytes service, const char *symbol)
{
    struct bytes rest = service, method;
    char name[NAME_MAX_LEN];
    unsigned n;

    while ((n = take_member(&rest, &method)) != 0) {
        if (n != SERVICE_METHOD)
            continue;
        full_name(file, service, method, name);
        if (strcmp(name, symbol) == 0)
            return true;
    }
    return false;
}

static bool defines(struct bytes file, const char *symbol)
{
    const struct bytes none = {NULL, 0};
    struct bytes rest = file, found;
    char name[NAME_MAX_LEN];
    unsigned n;

    while ((n = take_member(&rest, &found)) != 0) {
        if (n != FILE_MESSAGE && n != FILE_ENUM && n != FILE_SERVICE)
            continue;
        full_name(file, found, none, name);
        if (strcmp(name, symbol) == 0 || (n == FILE_SERVICE && has_method(file, found, symbol)))
            return true;
    }
    return false;
}

static bool is_named(struct bytes file, const char *name)
{
    struct bytes own = member(file, FILE_NAME);

    return own.at != NULL && own.len == strlen(name) && memcmp(own.at, name, own.len) == 0;
}

static struct bytes find_file(bool (*is)(struct bytes file, const char *text), const char *text)
{
    struct bytes rest = all_files(), file;

    while (next_file(&rest, &file))
        if (is(file, text))
            return file;
    return (struct bytes){NULL, 0};
}

/* ---- answers ---- */

static void reply(struct grpc_call *call, reflection_request *q, reflection_response *a)
{
    size_t len;
    uint8_t *bytes;

    a->valid_host = q->host;
    a->original_request = q;
    len = grpc__reflection__v1__server_reflection_response__get_packed_size(a);
    bytes = malloc(len);
    if (bytes == NULL) {
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, HTTP_OUT_OF_MEMORY);
        return;
    }
    grpc_send(call, bytes, grpc__reflection__v1__server_reflection_response__pack(a, bytes));
    free(bytes);
}

static void send_error(struct grpc_call *call, reflection_request *q, enum grpc_status status,
                       const char *why)
{
    reflection_response a = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

    error.error_code = (int32_t)status;
    error.error_message = (char *)(uintptr_t)why;
    a.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    a.error_response = &error;
    reply(call, q, &a);
}

static void send_file(struct grpc_call *call, reflection_request *q, struct bytes file)
{
    reflection_response a = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    Grpc__Reflection__V1__FileDescriptorResponse r =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    ProtobufCBinaryData data = {file.len, (uint8_t *)(uintptr_t)file.at};

    if (file.at == NULL) {
        send_error(call, q, GRPC_NOT_FOUND, "Nothing of this name is known here.");
        return;
    }
    r.n_file_descriptor_proto = 1;
    r.file_descriptor_proto = &data;
    a.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    a.file_descriptor_response = &r;
    reply(call, q, &a);
}

static void send_services(struct grpc_call *call, reflection_request *q)
{
    reflection_response a = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    Grpc__Reflection__V1__ListServiceResponse r = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX], *list[SERVICES_MAX];
    char names[SERVICES_MAX][NAME_MAX_LEN];
    struct bytes rest = all_files(), file;

    while (next_file(&rest, &file)) {
        const struct bytes none = {NULL, 0};
        struct bytes service = member(file, FILE_SERVICE); /* each of our files has one */
        size_t n = r.n_service;
        if (service.at == NULL || n == SERVICES_MAX)
            continue;
        full_name(file, service, none, names[n]);
        grpc__reflection__v1__service_response__init(&services[n]);
        services[n].name = names[n];
        list[n] = &services[n];
        r.n_service++;
    }
    r.service = list;
    a.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    a.list_services_response = &r;
    reply(call, q, &a);
}

static void answer(struct grpc_call *call, reflection_request *q)
{
    switch (q->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        send_services(call, q);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        send_file(call, q, find_file(is_named, q->file_by_filename));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        send_file(call, q, find_file(defines, q->file_containing_symbol));
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__NOT_SET:
        send_error(call, q, GRPC_INVALID_ARGUMENT, "The request asks for nothing.");
        break;
    default: /* extensions, of which there are none */
        send_error(call, q, GRPC_NOT_FOUND, "There are no extensions here.");
        break;
    }
}

static void on_message(struct grpc_call *call, const uint8_t *bytes, size_t len)
{
    reflection_request *q =
        grpc__reflection__v1__server_reflection_request__unpack(NULL, len, bytes);

    if (q == NULL) {
        grpc_finish(call, GRPC_INVALID_ARGUMENT, "This is no ServerReflectionRequest.");
        return;
    }
    if (!call->stream->head_sent)
        grpc_open(call);
    if (call->stream->kept_len > GRPC_MESSAGE_MAX)
        grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, "The answers before are to be read first.");
    else
        answer(call, q);
    grpc__reflection__v1__server_reflection_request__free_unpacked(q, NULL);
}

const struct grpc_method grpc_reflection = {
    .path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    .many = true,
    .message = on_message};
const struct grpc_method grpc_reflection_alpha = {
    .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    .many = true,
    .message = on_message};
