#include "gateway/codec/mqtt.h"

#include "common/banned.h"
