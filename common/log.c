#include "common/log.h"

#include "common/banned.h"
