/*
 * wire -- what the bench tools share: clocks, descriptors, and just enough MQTT to be a client or a
 * broker's stand-in.
 */
#ifndef TAPECAST_BENCH_WIRE_H
#define TAPECAST_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t bench_now_ns(void);
_Noreturn void bench_die(const char *what);
void bench_allow_many_files(void);
void bench_pin(int cpu); /* -1: do not */

/* The name of symbol `i`: AAAA, AAAB, … */
#define BENCH_SYMBOL_MAX 8
size_t bench_symbol(unsigned i, char buf[BENCH_SYMBOL_MAX]);

/* Connect to 127.0.0.1:port, or listen there. */
int bench_connect(int port);
int bench_listen(int port, int backlog);

void bench_write_all(int fd, const void *bytes, size_t len); /* blocking */
size_t bench_read_packet(int fd, uint8_t *buf,
                         size_t cap); /* one MQTT packet, blocking; 0 at the end */

/* Write a CONNECT (3.1.1, clean session, keep-alive 0) into buf. Returns its length. */
size_t bench_connect_packet(uint8_t *buf, const char *client_id);

#endif
