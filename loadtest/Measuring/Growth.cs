namespace Weir.LoadTest.Measuring;

/// <summary>Whether a server's memory grows: by the line that fits its samples best.</summary>
internal static class Growth
{
    // Until then code is compiled, pools fill, and the heap finds its size.
    private const double WarmUp = 0.2;

    /// <param name="samples">Resident bytes at even intervals; the first fifth is left out.</param>
    /// <returns>Null for less than two.</returns>
    public static double? MegabytesPerHour(IReadOnlyList<(double Seconds, long Bytes)> samples)
        => Slope([.. samples.Skip((int)(samples.Count * WarmUp)).Select(static each => (each.Seconds / 3600, each.Bytes / 1e6))]);

    /// <summary>Slope of the line that fits best, in units of y per unit of x; null for less than two points.</summary>
    public static double? Slope(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count < 2)
        {
            return null;
        }

        double x = points.Average(static each => each.X);
        double y = points.Average(static each => each.Y);
        double width = points.Sum(each => (each.X - x) * (each.X - x));
        return width == 0 ? null : points.Sum(each => (each.X - x) * (each.Y - y)) / width;
    }
}
