#include "CTesting.h"
