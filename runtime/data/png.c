/* png.c - pictures as PNG files, through libpng, and grids of small gray images.
 *
 * libpng reports errors by longjmp; it lands in encode, which owns nothing but the libpng structs.
 * Bytes go through Output, so that a picture appears whole or not at all.
 */
#include "data/data.h"
#include "data/read.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

static void write_bytes(png_structp png, png_bytep bytes, size_t n)
{
    output_write(png_get_io_ptr(png), bytes, n);
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

static void on_error(png_structp png, png_const_charp message)
{
    snprintf(png_get_error_ptr(png), 128, "%s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static bool encode(Output *o, const uint8_t *pixels, long width, long height, int channels,
                   char *reason)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, reason, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;

    snprintf(reason, 128, "no memory");
    if (info == NULL || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, o, write_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (long y = 0; y < height; y++)
        png_write_row(png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}

bool picture_write_try(const char *path, const uint8_t *pixels, long width, long height,
                       int channels, DataError *e)
{
    char reason[128] = "";

    if (width < 1 || height < 1 || width > 1000000 || height > 1000000)
        return data_fail(e, "draw fewer images", "cannot write %s: a picture of %ld x %ld pixels",
                         path, width, height);
    Output *o = output_open(path);
    if (encode(o, pixels, width, height, channels, reason))
        return output_finish_try(o, e);
    output_abandon(o);
    return data_fail(e, NULL, "cannot write %s: %s", path, reason);
}

void picture_write(const char *path, const uint8_t *pixels, long width, long height, int channels)
{
    DataError e;

    if (!picture_write_try(path, pixels, width, height, channels, &e))
        dgm_fail(DGM_EXIT_IO, e.help[0] ? e.help : NULL, "%s", e.text);
}

/* ---- grids ----------------------------------------------------------------------------------- */

#define SEPARATOR 72                   /* gray level between images */

static uint8_t gray(Real v)
{
    return v >= 1 ? 255 : v > 0 ? (uint8_t)(v * 255 + (Real)0.5) : 0;   /* NaN: 0 */
}

/* Small images are enlarged to about 64 pixels, as long as the grid stays below 2000. */
static long enlargement(long h, long w, long columns, long rows)
{
    long side = h > w ? h : w, factor = (64 + side - 1) / side;

    while (factor > 1 && (columns * (w * factor + 1) > 2000 || rows * (h * factor + 1) > 2000))
        factor--;
    return factor;
}

static void draw_image(uint8_t *pixels, long stride, const Real *image, long h, long w, long factor)
{
    for (long y = 0; y < h * factor; y++)
        for (long x = 0; x < w * factor; x++)
            pixels[y * stride + x] = gray(image[y / factor * w + x / factor]);
}

void picture_grid(const char *path, const Real *values, long k, long h, long w, long columns)
{
    if (columns <= 0)
        for (columns = 1; columns * columns < k;)
            columns++;
    long rows = (k + columns - 1) / columns, factor = enlargement(h, w, columns, rows);
    long width = columns * (w * factor + 1) + 1, height = rows * (h * factor + 1) + 1;
    uint8_t *pixels = dgm_alloc((size_t)width * (size_t)height);

    memset(pixels, SEPARATOR, (size_t)width * (size_t)height);
    for (long i = 0; i < k; i++)
        draw_image(pixels + (i / columns * (h * factor + 1) + 1) * width
                   + i % columns * (w * factor + 1) + 1, width, values + i * h * w, h, w, factor);
    picture_write(path, pixels, width, height, 1);
    free(pixels);
}
