/*
 * doors -- the addresses that the gateway answers, one handler each, called by http with a complete
 * request (GET or HEAD, no body).
 */
#ifndef TAPECAST_GATEWAY_DOORS_DOORS_H
#define TAPECAST_GATEWAY_DOORS_DOORS_H

struct http_request;

void door_mqtt(const struct http_request *r);   /* /mqtt: becomes MQTT over WebSocket */
void door_broker(const struct http_request *r); /* /broker: becomes a session on the broker */
void door_ws(const struct http_request *r);     /* /ws, /live-price: becomes a JSON WebSocket */
void door_events(const struct http_request *r); /* /events: Server-Sent Events */
void door_stock_update(const struct http_request *r); /* /stock-update: the plain form of those */
void door_grpc(const struct http_request *r);         /* gRPC's methods, over HTTP/2 */
void door_files(const struct http_request *r);        /* the dashboard */
void door_quotes(const struct http_request *r);       /* /api/quotes */
void door_clients(const struct http_request *r);      /* /api/clients, loopback only */
void door_history(const struct http_request *r);      /* /api/history */
void door_ticks(const struct http_request *r);        /* /api/ticks */
void door_symbols(const struct http_request *r);      /* /api/symbols, /api/search */
void door_config(const struct http_request *r);       /* /api/config, /api/time: TradingView's */
void door_time(const struct http_request *r);
void door_healthz(const struct http_request *r);
void door_readyz(const struct http_request *r);
void door_metrics(const struct http_request *r);

#endif
