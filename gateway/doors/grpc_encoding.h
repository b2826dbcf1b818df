/*
 * grpc_encoding -- quotes as gRPC messages, each behind its prefix: the same bytes for all streams
 * that ask for the same.
 */
#ifndef TAPECAST_GATEWAY_DOORS_GRPC_ENCODING_H
#define TAPECAST_GATEWAY_DOORS_GRPC_ENCODING_H

#include "gateway/hub/encoding.h"

extern const struct encoding grpc_quote_encoding;          /* tapecast.v1.Quote */
extern const struct encoding grpc_stock_response_encoding; /* StockResponse */

#endif
