using System.Globalization;
using System.Reflection;
using System.Text;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Settings;

namespace Profiles.Tests.Infrastructure.Settings;

/// <summary>Compares docs/settings.md with the comments and defaults of the options.</summary>
[Trait("Database", "Sqlite")]
public sealed class SettingsPageTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    // The sections in the order of the page.
    static readonly string[] Order =
    [
        "", "Database", "Jwt", "Sessions", "Passwords", "Accounts", "Identities__Google", "Identities__Apple",
        "Identities__Providers__<name>", "Passkeys", "Mail", "Images", "Cloudinary", "S3", "Limits", "OpenApi", "Cors",
        "Admin", "Audit", "Webhooks", "Metrics",
    ];

    ILookup<string, SettingsSection> Sections => app.Services.GetServices<SettingsSection>().ToLookup(s => s.Name);

    static readonly Dictionary<string, XElement> Comments = XDocument.Load(Path.ChangeExtension(typeof(Program).Assembly.Location, ".xml"))
        .Descendants("member").ToDictionary(m => m.Attribute("name")!.Value);

    [Fact]
    public async Task The_settings_page_matches_the_options()
    {
        var page = Path.Combine(ArchitectureTests.Repository(), "docs", "settings.md");
        if (Environment.GetEnvironmentVariable("PROFILES_RENEW_GOLDEN") == "1")
            await File.WriteAllTextAsync(page, Page(), TestContext.Current.CancellationToken);
        (await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken))
            .ShouldBe(Page(), "The options have changed: run the tests with PROFILES_RENEW_GOLDEN=1 and commit docs/settings.md.");
    }

    [Fact]
    public void The_settings_page_has_all_options()
    {
        Sections.Select(s => s.Key).ShouldBe(Order, ignoreOrder: true);
        typeof(Program).Assembly.GetTypes().Where(t => t.IsClass && t.Name.EndsWith("Options", StringComparison.Ordinal))
            .ShouldBe(Sections.SelectMany(s => s).Select(s => s.Type), ignoreOrder: true);
    }

    string Page()
    {
        var page = new StringBuilder("""
        # Settings

        Every setting is an environment variable, or the same key in `appsettings.json` (`Images__MaxSide` is `Images: { MaxSide }`).
        All are read once, at the start. A value that is not valid, or a name that a section does not know, stops it with a sentence that
        names it. Durations are `[d.]hh:mm:ss`. A list is texts separated by commas, or settings with `__0`, `__1` and so on at the end.

        This page is made from the comments and defaults of the options in the code.

        ## Host

        | setting | default | meaning |
        |---|---|---|
        | `ASPNETCORE_ENVIRONMENT` | `Production` | The environment. `./dev run` sets `Development`. |
        | `ASPNETCORE_URLS` | `http://localhost:8000` | The address that the service listens on. |
        | `ConnectionStrings__Profiles` | a file in `DataDirectory` | SQLite is `Data Source=…`, PostgreSQL `Host=…` or `postgres://…`. |
        | `CLOUDINARY_URL` | none | The account at Cloudinary, `cloudinary://key:secret@cloud`. |
        | `Logging__LogLevel__<category>` | `Information` | The least level that is logged, such as `Debug` for `Profiles`. |

        """.ReplaceLineEndings("\n"));
        foreach (var sections in Order.Select(name => Sections[name].ToArray()))
        {
            page.Append($"\n## {(sections[0].Name.Length == 0 ? "Service" : sections[0].Name)}\n\n{Text(sections[0].Type, "summary")}\n\n");
            page.Append("| setting | type | default | meaning |\n|---|---|---|---|\n");
            foreach (var (section, setting) in sections.SelectMany(s => s.Properties.Select(p => (s, p))))
            {
                var fresh = Activator.CreateInstance(section.Type);
                page.Append($"| `{section.NameOf(setting.Name)}` | {Kind(setting)} | {Default(setting, fresh)} ")
                    .Append($"| {Text(setting, "summary")} |\n");
            }
        }
        return page.ToString();
    }

    static string Kind(PropertyInfo setting) => (Nullable.GetUnderlyingType(setting.PropertyType) ?? setting.PropertyType) switch
    {
        var type when type.IsEnum => string.Join(", ", Enum.GetNames(type).Select(n => $"`{n}`")),
        var type when type == typeof(bool) => "`true`, `false`",
        var type when type == typeof(string) => "text",
        var type when type == typeof(TimeSpan) => "duration",
        var type when type == typeof(IReadOnlyList<string>) => "list",
        var type when type == typeof(int) || type == typeof(long) => "number",
        var type => throw new InvalidOperationException($"The page of settings has no word for {type}."),
    };

    // The comment describes defaults that are determined at the start.
    string Default(PropertyInfo setting, object? fresh) => (Text(setting, "value"), setting.GetValue(fresh)) switch
    {
        ({ Length: > 0 } written, _) => written,
        (_, null or "" or IReadOnlyList<string>) => "none",
        (_, bool value) => value ? "`true`" : "`false`",
        (_, var value) => $"`{Convert.ToString(value, CultureInfo.InvariantCulture)}`",
    };

    string Text(MemberInfo member, string element)
    {
        var id = member is Type type ? $"T:{type.FullName}" : $"P:{member.DeclaringType!.FullName}.{member.Name}";
        var nodes = Comments[id].Element(element)?.Nodes() ?? [];
        return string.Join(' ', string.Concat(nodes.Select(Markdown)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    // A reference to a setting becomes its full name, one to an enum member the member's name.
    string Markdown(XNode node) => node switch
    {
        XElement { Name.LocalName: "see" } see => see.Attribute("cref")!.Value.Split('.') is [.., var type, var member]
            ? $"`{Sections.SelectMany(s => s).FirstOrDefault(s => s.Type.Name == type)?.NameOf(member) ?? member}`"
                : throw new InvalidOperationException($"{see}"),
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XText text => text.Value.Replace("<", "&lt;", StringComparison.Ordinal),
        _ => throw new InvalidOperationException($"The page of settings cannot show {node}."),
    };
}
