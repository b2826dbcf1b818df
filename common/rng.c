#include "common/rng.h"

#include "common/banned.h"
