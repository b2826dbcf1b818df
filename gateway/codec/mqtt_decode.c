#include "gateway/codec/mqtt_decode.h"

#include "common/banned.h"
