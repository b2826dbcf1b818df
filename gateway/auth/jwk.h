/*
 * jwk -- one JSON Web Key (RFC 7517; RFC 7518 section 6): the members that make a key for
 * signatures. Pure; any thread.
 */
#ifndef TAPECAST_GATEWAY_AUTH_JWK_H
#define TAPECAST_GATEWAY_AUTH_JWK_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>

/* By "use" and "key_ops", if they are there. */
bool jwk_is_for_signatures(const cJSON *jwk);

bool jwk_is_secret(const cJSON *jwk); /* "oct" */

/* The secret, malloc'd. False when it is none, or memory is out. */
bool jwk_secret(const cJSON *jwk, unsigned char **ret, size_t *ret_len);

/* The public key of an RSA or EC one, for EVP_PKEY_free(); NULL when it is none, or memory is out.
 */
EVP_PKEY *jwk_public(const cJSON *jwk);

/* The text of `member`, malloc'd, NULL when it has none. False: memory is out. */
bool jwk_text(const cJSON *jwk, const char *member, char **ret);

#endif
