#include "common/clock.h"

#include "common/banned.h"
