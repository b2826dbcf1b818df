#include "publisher/feeds/wellknown.h"

#include <string.h>

#include "common/macros.h"

#include "common/banned.h"

const struct wellknown wellknown[] = {
    {"AAPL", 271.4, 0.26, 52},     {"MSFT", 497.2, 0.23, 21},    {"NVDA", 186.9, 0.44, 190},
    {"AMZN", 231.8, 0.31, 42},     {"GOOGL", 284.3, 0.29, 35},   {"META", 648.5, 0.34, 13},
    {"TSLA", 419.6, 0.58, 88},     {"AVGO", 352.1, 0.45, 24},    {"BRK.B", 498.7, 0.16, 4.2},
    {"JPM", 307.3, 0.22, 9},       {"V", 336.9, 0.19, 6},        {"WMT", 102.6, 0.2, 17},
    {"XOM", 116.8, 0.24, 15},      {"UNH", 331.5, 0.35, 9},      {"JNJ", 186.2, 0.16, 8},
    {"KO", 70.9, 0.15, 16},        {"NFLX", 112.4, 0.36, 38},    {"AMD", 238.4, 0.52, 55},
    {"INTC", 37.6, 0.55, 95},      {"SPY", 671.2, 0.14, 72},

    {"QQQ", 608.3, 0.19, 55},      {"IWM", 240.1, 0.21, 38},     {"DIS", 112.7, 0.27, 10},
    {"BA", 201.3, 0.33, 8},        {"CAT", 561.4, 0.29, 4},      {"GE", 305.8, 0.28, 5},
    {"F", 13.2, 0.36, 70},         {"GM", 68.9, 0.34, 11},       {"PFE", 25.4, 0.24, 45},
    {"MRK", 88.7, 0.23, 14},       {"T", 25.9, 0.2, 38},         {"VZ", 40.8, 0.19, 22},
    {"CSCO", 73.1, 0.22, 22},      {"ORCL", 236.4, 0.41, 17},    {"CRM", 243.6, 0.32, 8},
    {"ADBE", 338.2, 0.31, 4},      {"QCOM", 174.5, 0.34, 9},     {"MU", 243.9, 0.5, 25},
    {"PLTR", 187.3, 0.65, 75},     {"UBER", 93.1, 0.38, 18},     {"BAC", 53.4, 0.25, 36},
    {"GS", 798.5, 0.27, 2},        {"MA", 546.1, 0.19, 3},       {"PG", 147.2, 0.16, 8},
    {"PEP", 145.3, 0.17, 7},       {"MCD", 299.8, 0.17, 4},      {"NKE", 64.9, 0.33, 14},
    {"HD", 371.6, 0.22, 4},        {"COST", 921.5, 0.2, 2},      {"CVX", 153.7, 0.23, 9},
    {"BTC/USD", 91500, 0.5, 0.03}, {"ETH/USD", 3020, 0.68, 0.6},
};
const size_t n_wellknown = ARRAY_SIZE(wellknown);

const struct wellknown *wellknown_find(const char *symbol)
{
    for (size_t i = 0; i < n_wellknown; i++)
        if (strcmp(wellknown[i].symbol, symbol) == 0)
            return &wellknown[i];
    return NULL;
}
