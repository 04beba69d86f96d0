#ifndef LOADS_CTESTING_H
#define LOADS_CTESTING_H
#endif
