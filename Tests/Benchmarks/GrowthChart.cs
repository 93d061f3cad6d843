using System.Globalization;
using System.Text;

namespace Profiles.Benchmarks;

/// <summary>Draws the ratios over the number of users, on a logarithmic axis, beside the logarithm: a panel for each engine.</summary>
static class GrowthChart
{
    const int Width = 400, Height = 260, Left = 50, Top = 40, Gap = 40, LegendLine = 18;

    // Readable on white and on dark.
    static readonly string[] Colours = ["#2f81f7", "#d4731c", "#2da44e", "#bf4b8a", "#8957e5", "#c93c37", "#1b9aaa", "#9a6700", "#6e7781"];

    const string Dashed = "stroke=\"#808080\" stroke-dasharray=\"5 4\"";

    public static string Draw(IEnumerable<Growth> lines, int[] sizes)
    {
        var engines = lines.GroupBy(l => l.Engine).ToArray();
        var names = lines.Select(l => l.Name).Distinct().ToList();
        var most = Math.Max(3, Math.Ceiling(lines.SelectMany(l => l.Ratios).Max()));
        var (width, legend) = (Left + (Math.Max(engines.Length, 2) * (Width + Gap)), Top + Height + 60);
        var height = legend + (((names.Count / 3) + 1) * LegendLine);
        var svg = new StringBuilder();
        Add($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">""");
        Add($"""<g font-family="sans-serif" font-size="12" fill="#808080">""");
        Add($"""<title>What the service takes, by the number of users</title>""");
        for (var panel = 0; panel < engines.Length; panel++)
        {
            var left = Left + (panel * (Width + Gap));
            double X(int size) => left + (Width * Math.Log((double)size / sizes[0]) / Math.Log((double)sizes[^1] / sizes[0]));
            double Y(double ratio) => Top + (Height * (1 - (ratio / most)));
            var title = $"{engines[panel].Key}: time by the number of users, as a ratio to the fewest";
            Add($"""<text x="{left}" y="{Top - 16}" font-weight="bold">{title}</text>""");
            for (var ratio = 0; ratio <= most; ratio++)
            {
                Add($"""<path d="M{left} {Y(ratio):F1}h{Width}" stroke="#808080" stroke-opacity="{(ratio == 0 ? 1 : 0.3)}"/>""");
                Add($"""<text x="{left - 8}" y="{Y(ratio) + 4:F1}" text-anchor="end">{ratio}</text>""");
            }
            foreach (var size in sizes)
            {
                Add($"""<path d="M{X(size):F1} {Y(0):F1}v5" stroke="#808080"/>""");
                Add($"""<text x="{X(size):F1}" y="{Y(0) + 20:F1}" text-anchor="middle">{size:N0}</text>""");
            }
            Line(sizes.Select(s => GrowthBenchmark.LogarithmOf(sizes, s)), Dashed);
            foreach (var line in engines[panel])
                Line(line.Ratios, Solid(names.IndexOf(line.Name)));

            void Line(IEnumerable<double> ratios, string stroke)
            {
                var points = ratios.Zip(sizes, (r, s) => FormattableString.Invariant($"{X(s):F1},{Y(r):F1}"));
                Add($"""<polyline fill="none" {stroke} points="{string.Join(' ', points)}"/>""");
            }
        }
        for (var i = 0; i <= names.Count; i++)
        {
            var (x, y) = (Left + (i % 3 * 260), legend + (i / 3 * LegendLine));
            var (name, stroke) = i < names.Count ? (names[i], Solid(i)) : ("the logarithm of the users", Dashed);
            Add($"""<path d="M{x} {y - 4}h24" {stroke}/><text x="{x + 32}" y="{y}">{name}</text>""");
        }
        Add($"</g></svg>");
        return svg.ToString();

        void Add(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    static string Solid(int index) => $"""stroke="{Colours[index % Colours.Length]}" stroke-width="2" """;
}
