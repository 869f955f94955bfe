/* core/head/loss.c: see loss.h */
#include "core/head/loss.h"
#include <math.h>
#include <stdbool.h>

double anc_loss_objectness(const float *logit, int32_t n_positive, int32_t n, double weight, float *d_logit)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        double x = logit[i], y = i < n_positive, small = exp(-fabs(x));
        sum += fmax(x, 0) - x * y + log1p(small);
        double sigmoid = x >= 0 ? 1 / (1 + small) : small / (1 + small);
        d_logit[i] = (float)(weight * (sigmoid - y));
    }
    return weight * sum;
}

double anc_loss_boxes(const float (*delta)[4], const float (*target)[4], int32_t n, double beta,
                      double weight, float (*d_delta)[4])
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) {
            double d = (double)delta[i][k] - (double)target[i][k], size = fabs(d);
            bool near = size < beta;
            sum += near ? 0.5 * d * d / beta : size - 0.5 * beta;
            d_delta[i][k] = (float)(weight * (near ? d / beta : d > 0 ? 1 : d < 0 ? -1 : d));
        }
    return weight * sum;
}
