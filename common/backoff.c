#include "common/backoff.h"

#include "common/banned.h"
