using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using FastEndpoints;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Infrastructure.Decoding.Worker.Protocol;

namespace Profiles.Tests;

/// <summary>The rules of the code base; each rule first asserts that it found something to check.</summary>
[Trait("Database", "Sqlite")]
public sealed partial class ArchitectureTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Slices = "Profiles.Features.";

    static readonly Type[] Types = [.. typeof(Program).Assembly.GetTypes().Where(t => !t.IsDefined(typeof(CompilerGeneratedAttribute)))];

    static readonly Type[] Endpoints = [.. Types.Where(t => t is { IsAbstract: false } && t.IsSubclassOf(typeof(BaseEndpoint)))];

    [Fact]
    public void Files_that_a_run_leaves_behind_exclude_no_source_from_the_next_build()
    {
        // MSBuild excludes case-insensitively, and only what exists: with "data/**" the folder Data disappears once a first run has made
        // data/.
        var excluded = ExcludedFolder().Matches(File.ReadAllText(Path.Combine(Repository(), "Profiles.csproj")))
            .Select(m => m.Groups[1].Value).ToArray();
        excluded.ShouldContain("static");
        excluded.Intersect(["Data", "Features", "Infrastructure"], StringComparer.OrdinalIgnoreCase).ShouldBeEmpty();
    }

    [Fact]
    public void One_name_runs_through_a_slice()
    {
        Endpoints.Length.ShouldBeGreaterThan(20);
        foreach (var endpoint in Endpoints)
        {
            var slice = endpoint.Namespace![Slices.Length..];
            endpoint.Name.ShouldBe($"{slice}Endpoint");
            endpoint.IsSealed.ShouldBeTrue();
            foreach (var type in Types.Where(t => t.Namespace == endpoint.Namespace && t.DeclaringType is null))
                type.Name.ShouldStartWith(slice);
            typeof(ArchitectureTests).Assembly.GetType($"Profiles.Tests.Features.{slice}.{slice}Tests").ShouldNotBeNull();
        }
    }

    [Fact]
    public void Every_request_with_a_body_has_its_validator()
    {
        var requests = Endpoints.Select(RequestOf).Where(t => t != typeof(EmptyRequest)).ToArray();
        requests.Length.ShouldBeGreaterThanOrEqualTo(10);
        foreach (var request in requests)
            Types.ShouldContain(t => t.IsSubclassOf(typeof(Validator<>).MakeGenericType(request)), request.Name);
    }

    [Fact]
    public void A_service_takes_at_most_six_dependencies()
    {
        // A value, which a request, a test or the framework constructs, takes no service in its constructor.
        var services = Types.Where(t => t is { IsClass: true, Namespace: { } n } &&
            n.StartsWith("Profiles.Infrastructure", StringComparison.Ordinal))
            .Select(t => (t.Name, Most: t.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
                .Max(c => (int?)c.GetParameters().Count(p => IsService(p.ParameterType))) ?? 0)).ToArray();
        services.Count(s => s.Most > 0).ShouldBeGreaterThan(40);
        services.Where(s => s.Most > 6).ShouldBeEmpty();

        static bool IsService(Type type) => type.IsInterface || type == typeof(TimeProvider)
            || (type is { IsValueType: false, Namespace: { } n } && n.StartsWith("Profiles.", StringComparison.Ordinal));
    }

    [Fact]
    public void The_anonymous_routes_are_exactly_these()
    {
        var routes = app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        routes.Length.ShouldBeGreaterThan(15);
        routes.Where(r => r.Metadata.GetMetadata<IAllowAnonymous>() is not null).Select(r => r.RoutePattern.RawText!.Trim('/'))
            .Distinct().Order().ShouldBe(
        [
            "", ".well-known/apple-app-site-association", ".well-known/assetlinks.json", ".well-known/jwks.json",
            ".well-known/openid-configuration", "account/deletion", "email/verify", "guests", "health/live", "health/ready", "login",
            "login/code", "login/code/verify", "login/id-token", "login/mfa", "openapi/v1.json", "passkeys/authentication/options",
            "passkeys/authentication/verify", "password/forgot", "password/reset", "register",
            "static/profile/{user_id:long:min(1):canonical}.jpg",
            "static/profile/{user_id:long:min(1):canonical}_{side:int:min(1):canonical}.jpg",
            "token/introspect", "token/refresh", "upload-policy", "users/{username}",
        ]);
    }

    [Fact]
    public void The_caller_is_identified_in_one_place_and_limits_come_from_the_entities()
    {
        var sources = Directory.GetFiles(Repository(), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Path: Path.GetRelativePath(Repository(), f), Text: File.ReadAllText(f)))
            .Where(f => f.Path is "Program.cs" || f.Path.StartsWith("Features") || f.Path.StartsWith("Data") ||
                f.Path.StartsWith("Infrastructure"))
            .Where(f => !f.Path.Contains("Migrations"))
            .ToArray();
        sources.Length.ShouldBeGreaterThan(50);
        // Introspection tells another service about a token; its caller has an admin key.
        sources.Where(f => WhoAmI().IsMatch(f.Text)).Select(f => f.Path).Order().ShouldBe(
            ["Features/IntrospectToken/IntrospectTokenEndpoint.cs", "Infrastructure/Authentication/AccessPolicy.cs"]);
        // A setting states its limit beside it.
        var limits = sources.Where(f => !f.Path.EndsWith("Options.cs"))
            .SelectMany(f => Limit().Matches(f.Text).Select(m => m.Value)).ToArray();
        limits.Length.ShouldBeGreaterThan(60);
        limits.Where(l => Number().IsMatch(l)).ShouldBeEmpty();
        sources.Where(f => SystemClock().IsMatch(f.Text) || f.Text.Contains("EnsureCreated")).Select(f => f.Path).ShouldBeEmpty();
    }

    [Fact]
    public void No_line_is_wider_than_140_columns()
    {
        string[] folders = ["Features", "Data", "Infrastructure", "Tests", "docs"];
        var files = folders.SelectMany(f => Directory.GetFiles(Path.Combine(Repository(), f), "*.*", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(Repository())).Append(Path.Combine(Repository(), ".ci", "run"))
            .Where(f => Path.GetExtension(f) is ".cs" or ".md" or ".csproj" or ".props" or "" && !f.Contains("Migrations")
                && !f.Contains("node_modules") && Path.GetFileName(f) != "settings.md").ToArray();
        files.Length.ShouldBeGreaterThan(300);
        // A table's row is one line, and a test makes settings.md of comments.
        files.SelectMany(f => File.ReadLines(f).Select((line, i) => (Place: $"{f}:{i + 1}", Line: line)))
            .Where(l => l.Line.Length > 140 && l.Line[0] != '|').Select(l => l.Place).ShouldBeEmpty();
    }

    [Fact]
    public void Files_of_a_slice_are_short()
    {
        foreach (var slice in Directory.GetDirectories(Path.Combine(Repository(), "Features")))
        {
            var lines = Directory.GetFiles(slice, "*.cs").ToDictionary(f => Path.GetFileName(f)!, f => File.ReadAllLines(f).Length);
            lines.ShouldNotBeEmpty();
            lines.Where(f => f.Key.EndsWith("Validator.cs")).ShouldAllBe(f => f.Value <= 40);
            lines.Where(f => f.Key.EndsWith("Mapper.cs")).ShouldAllBe(f => f.Value <= 30);
            lines.ShouldContain(f => f.Key.EndsWith("Endpoint.cs") || f.Key.EndsWith("Command.cs"), slice);
            lines.ShouldAllBe(f => f.Value <= 120);
            lines.Values.Sum().ShouldBeLessThanOrEqualTo(230, slice);
        }
        File.ReadAllLines(Path.Combine(Repository(), "Program.cs")).Length.ShouldBeLessThanOrEqualTo(70);
    }

    [Fact]
    public async Task Every_acknowledged_write_is_durable()
    {
        var (journal, synchronous) = await app.QueryAsync(async db =>
        {
            await db.Database.OpenConnectionAsync(Cancellation);
            return (await db.Database.SqlQueryRaw<string>("SELECT journal_mode AS Value FROM pragma_journal_mode")
                .SingleAsync(Cancellation),
                await db.Database.SqlQueryRaw<int>("SELECT synchronous AS Value FROM pragma_synchronous").SingleAsync(Cancellation));
        });
        journal.ShouldBe("wal");
        synchronous.ShouldBe(2);
    }

    [Fact]
    public void The_worker_references_nothing_of_the_service_and_the_service_only_its_protocol()
    {
        var worker = typeof(DecodeFrame).Assembly;
        worker.ShouldNotBe(typeof(Program).Assembly);
        var references = worker.GetReferencedAssemblies().Select(a => a.Name!).ToArray();
        references.ShouldContain("NetVips");
        references.ShouldAllBe(r => r.StartsWith("System.") || r.StartsWith("Microsoft.Win32.") ||
            r.StartsWith("Magick.NET") || r == "NetVips");
        worker.GetExportedTypes().ShouldContain(typeof(DecodeFrame));
        worker.GetExportedTypes().ShouldAllBe(t => t.Namespace == typeof(DecodeFrame).Namespace);
    }

    static Type RequestOf(Type endpoint)
    {
        var type = endpoint;
        while (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(Endpoint<,>))
            type = type.BaseType!;
        return type.GetGenericArguments()[0];
    }

    internal static string Repository() => Path.GetDirectoryName(Path.GetDirectoryName(ThisFile()))!;

    static string ThisFile([CallerFilePath] string path = "") => path;


    [GeneratedRegex(@"\b(HasMaxLength|MaxLength|StringLength|Characters)\([^,)]*(, [^,)]*)?")]
    private static partial Regex Limit();

    // The minimum length may be 0, 1 or 2.
    [GeneratedRegex(@"(Length\(|, )\d")]
    private static partial Regex Number();

    [GeneratedRegex(@";(\w+)/\*\*")]
    private static partial Regex ExcludedFolder();

    [GeneratedRegex(@"\btokens\.Verify\w*\(|\.FindFirst\w*\(|\bUser\.Identity\b")]
    private static partial Regex WhoAmI();

    [GeneratedRegex(@"\b(DateTime|DateTimeOffset)\.(Utc)?Now\b")]
    private static partial Regex SystemClock();
}
