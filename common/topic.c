#include "common/topic.h"

#include "common/banned.h"
