#include "gateway/codec/mqtt_encode.h"

#include "common/banned.h"
