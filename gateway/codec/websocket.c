#include "gateway/codec/websocket.h"

#include "common/banned.h"
