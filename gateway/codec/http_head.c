#include "gateway/codec/http_head.h"

#include "common/banned.h"
