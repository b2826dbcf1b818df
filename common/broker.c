#include "common/broker.h"

#include "common/banned.h"
