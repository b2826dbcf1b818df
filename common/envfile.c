#include "common/envfile.h"

#include "common/banned.h"
