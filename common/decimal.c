#include "common/decimal.h"

#include "common/banned.h"
