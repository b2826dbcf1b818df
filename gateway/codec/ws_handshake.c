#include "gateway/codec/ws_handshake.h"

#include "common/banned.h"
