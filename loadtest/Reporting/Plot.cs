using System.Globalization;
using System.Net;
using System.Text;

namespace Weir.LoadTest.Reporting;

/// <summary>A line plot or bars as SVG, without other files. Colours and fonts stand in it, so that it can be a file of its own.</summary>
internal sealed class Plot(string title, string xLabel, string yLabel)
{
    private const double Width = 640;
    private const double Height = 300;
    private const double Left = 64;
    private const double Right = 16;
    private const double Top = 44;
    private const double Bottom = 40;
    private const int MostPoints = 600;

    private static readonly string[] _colours = ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2"];

    private readonly List<(string Name, IReadOnlyList<(double X, double Y)> Points)> _lines = [];

    /// <summary>Powers of ten are as far apart as each other.</summary>
    public bool IsXLogarithmic { get; init; }

    /// <summary>The same upwards; what is not above 0 is left out.</summary>
    public bool IsYLogarithmic { get; init; }

    /// <summary>Marks at the points, for few of them.</summary>
    public bool HasMarks { get; init; }

    /// <summary>The labels of the ticks of the x axis; null: the numbers.</summary>
    public IReadOnlyList<(double X, string Text)>? XTicks { get; init; }

    public bool IsEmpty => _lines.Count == 0;

    public void Add(string name, IEnumerable<(double X, double Y)> points)
    {
        (double X, double Y)[] kept =
            [.. points.Where(each => double.IsFinite(each.Y) && (!IsYLogarithmic || each.Y > 0) && (!IsXLogarithmic || each.X > 0))];
        if (kept.Length > 0)
        {
            int step = (kept.Length + MostPoints - 1) / MostPoints;
            _lines.Add((name, [.. kept.Where((_, i) => i % step == 0 || i == kept.Length - 1)]));
        }
    }

    /// <summary>Bars, one above another, each with its name and number; for counts.</summary>
    public static string Bars(string title, IReadOnlyList<(string Name, double Value)> bars)
    {
        double most = bars.Max(static bar => bar.Value);
        StringBuilder svg = Begin(title, 40 + (26 * bars.Count));
        for (int i = 0; i < bars.Count; i++)
        {
            double y = 40 + (26 * i);
            double width = Math.Max(1, bars[i].Value / most * 300);
            svg.Append(Invariant($"<rect x=\"200\" y=\"{y}\" width=\"{width:0.#}\" height=\"18\" fill=\"{_colours[0]}\"/>"));
            Text(svg, 192, y + 13, bars[i].Name.Length > 30 ? bars[i].Name[..29] + "…" : bars[i].Name, "end");
            Text(svg, 206 + width, y + 13, bars[i].Value.ToString("N0", CultureInfo.InvariantCulture), "start");
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Several in one picture, two beside each other.</summary>
    public static string Stack(IReadOnlyList<Plot> plots)
    {
        Plot[] drawn = [.. plots.Where(static plot => !plot.IsEmpty)];
        StringBuilder svg = new(Invariant($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {2 * Width} {(drawn.Length + 1) / 2 * Height}\">"));
        for (int i = 0; i < drawn.Length; i++)
        {
            svg.Append(Invariant(
                $"<svg x=\"{i % 2 * Width}\" y=\"{i / 2 * Height}\" width=\"{Width}\" height=\"{Height}\" {drawn[i].ToString()[4..]}"));
        }

        return svg.Append("</svg>").ToString();
    }

    public override string ToString()
    {
        StringBuilder svg = Begin(title, Height);
        (double X, double Y)[] all = [.. _lines.SelectMany(static line => line.Points)];
        Axis x = Axis.Over(all.Select(static each => each.X), IsXLogarithmic, isFromZero: false);
        x = XTicks is null ? x : x with { Least = all.Min(static each => each.X) * 0.9, Most = all.Max(static each => each.X) * 1.1 };
        Axis y = Axis.Over(all.Select(static each => each.Y), IsYLogarithmic, isFromZero: true);
        double X(double value) => Left + (x.Place(value) * (Width - Left - Right));
        double Y(double value) => Height - Bottom - (y.Place(value) * (Height - Top - Bottom));

        foreach (double tick in y.Ticks)
        {
            svg.Append(Invariant($"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(tick):0.#}\" y2=\"{Y(tick):0.#}\" stroke=\"#e5e7eb\"/>"));
            Text(svg, Left - 6, Y(tick) + 4, Short(tick), "end");
        }

        foreach ((double at, string text) in XTicks ?? [.. x.Ticks.Select(static tick => (tick, Short(tick)))])
        {
            if (x.Place(at) is >= 0 and <= 1)
            {
                Text(svg, X(at), Height - Bottom + 16, text, "middle");
            }
        }

        Text(svg, Width - Right, Height - 6, xLabel, "end");
        Text(svg, 6, Top - 6, yLabel, "start");
        for (int i = 0; i < _lines.Count; i++)
        {
            string colour = _colours[i % _colours.Length];
            string path = string.Join(' ', _lines[i].Points.Select((each, n) => Invariant($"{(n == 0 ? 'M' : 'L')}{X(each.X):0.#},{Y(each.Y):0.#}")));
            svg.Append(Invariant($"<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>"));
            foreach ((double px, double py) in HasMarks ? _lines[i].Points : [])
            {
                svg.Append(Invariant($"<circle cx=\"{X(px):0.#}\" cy=\"{Y(py):0.#}\" r=\"3\" fill=\"{colour}\"/>"));
            }

            double legend = Width - Right - (110 * (_lines.Count - i));
            svg.Append(Invariant($"<rect x=\"{legend}\" y=\"{Top - 14}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>"));
            Text(svg, legend + 14, Top - 5, _lines[i].Name, "start");
        }

        return svg.Append("</svg>").ToString();
    }

    private static StringBuilder Begin(string title, double height)
    {
        StringBuilder svg = new(Invariant(
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#374151\"><rect width=\"{Width}\" height=\"{height}\" fill=\"#fff\"/>"));
        return svg.Append(Invariant(
            $"<text x=\"6\" y=\"18\" font-size=\"14\" font-weight=\"bold\" fill=\"#111827\">{WebUtility.HtmlEncode(title)}</text>"));
    }

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor)
        => svg.Append(Invariant($"<text x=\"{x:0.#}\" y=\"{y:0.#}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>"));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Short(double value) => Math.Abs(value) switch
    {
        0 => "0",
        >= 1e6 => (value / 1e6).ToString("0.##", CultureInfo.InvariantCulture) + "M",
        >= 1e4 => (value / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + "k",
        >= 1 => value.ToString("0.##", CultureInfo.InvariantCulture),
        _ => value.ToString("0.#####", CultureInfo.InvariantCulture),
    };

    /// <summary>From where to where, and which round numbers in between.</summary>
    private sealed record Axis(double Least, double Most, bool IsLogarithmic, IReadOnlyList<double> Ticks)
    {
        public static Axis Over(IEnumerable<double> values, bool isLogarithmic, bool isFromZero)
        {
            double least = values.Min();
            double most = values.Max();
            if (isLogarithmic)
            {
                int first = (int)Math.Floor(Math.Log10(least));
                int last = Math.Max(first + 1, (int)Math.Ceiling(Math.Log10(most)));
                return new Axis(Math.Pow(10, first), Math.Pow(10, last), true,
                    [.. Enumerable.Range(first, last - first + 1).Select(static n => Math.Pow(10, n))]);
            }

            least = isFromZero ? Math.Min(0, least) : least;
            most = most > least ? most : least + 1;
            double rough = (most - least) / 5;
            double unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
            double step = unit * (rough <= unit ? 1 : rough <= 2 * unit ? 2 : rough <= 5 * unit ? 5 : 10);
            double top = isFromZero ? Math.Ceiling(most / step) * step : most;
            double bottom = isFromZero ? Math.Floor(least / step) * step : least;
            List<double> ticks = [];
            for (double tick = Math.Ceiling(bottom / step) * step; tick <= top + (step / 1000); tick += step)
            {
                ticks.Add(tick);
            }

            return new Axis(bottom, top, false, ticks);
        }

        public double Place(double value) => IsLogarithmic
            ? (Math.Log10(value) - Math.Log10(Least)) / (Math.Log10(Most) - Math.Log10(Least))
            : (value - Least) / (Most - Least);
    }
}
