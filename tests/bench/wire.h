/*
 * wire -- what the bench tools share: clocks, descriptors, and just enough MQTT to be a client or a
 * broker's stand-in.
 */
#ifndef TAPECAST_BENCH_WIRE_H
#define TAPECAST_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t bench_now_ns(void);
_Noreturn void bench_die(const char *what);
void bench_allow_many_files(void);
void bench_pin(int cpu); /* -1: do not */

/* CPU time and memory of a process; 0 when it is not there. */
double bench_cpu_s(int pid);
long bench_rss_kb(int pid);

/* The name of symbol `i`: AAAA, AAAB, … */
#define BENCH_SYMBOL_MAX 8
size_t bench_symbol(unsigned i, char buf[BENCH_SYMBOL_MAX]);

/* Connect to 127.0.0.1:port, or listen there. */
int bench_connect(int port);
int bench_listen(int port, int backlog);

/* A connection, in the clear or with TLS. */
struct bench_link {
    int fd;
    struct ssl_st *tls; /* NULL: in the clear */
    bool does_not_wait; /* the descriptor is set so */
};

/* Speak TLS from here on, trusting everybody; or with this certificate. Blocking. */
void bench_tls_connect(struct bench_link *l);
void bench_tls_accept(struct bench_link *l, const char *cert, const char *key);

/* As recv() and send(); without `wait` neither blocks. Sends at most 16 kB of TLS at a time. */
ssize_t bench_recv(struct bench_link *l, void *buf, size_t len, bool wait);
ssize_t bench_send(struct bench_link *l, const void *bytes, size_t len, bool wait);

void bench_write_all(int fd, const void *bytes, size_t len); /* blocking */
size_t bench_read_packet(int fd, uint8_t *buf,
                         size_t cap); /* one MQTT packet, blocking; 0 at the end */

/* Write a CONNECT (3.1.1, clean session, keep-alive 0) into buf. Returns its length. */
size_t bench_connect_packet(uint8_t *buf, const char *client_id);

#endif
