/*
 * X-Forwarded-For and Forwarded as anybody may write them: the client is never a proxy that we
 * know, unless nobody else is named.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "gateway/net/forwarded.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_storage peer = {.ss_family = AF_INET}, client;
    struct ranges proxies;
    struct http_head h;

    if (http_head_parse((const char *)data, size, &h) <= 0)
        return 0;
    ((struct sockaddr_in *)(void *)&peer)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(ranges_parse("127.0.0.0/8,::1,10.0.0.0/8", &proxies) == 0);
    forwarded_client(&h, &proxies, &peer, &client);
    CHECK(client.ss_family == AF_INET || client.ss_family == AF_INET6);
    CHECK(forwarded_shows(&h) || ranges_hold(&proxies, &client));
    ranges_release(&proxies);
    return 0;
}
