#include "common/quote.h"

#include "common/banned.h"
