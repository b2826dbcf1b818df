#include "common/options.h"

#include "common/banned.h"
