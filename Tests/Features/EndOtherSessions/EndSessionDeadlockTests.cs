using System.Data.Common;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data.PostgreSql;

namespace Profiles.Tests.Features.EndOtherSessions;

/// <summary>A service with a hook that runs after a session is deleted, before the request goes on.</summary>
public sealed class HalfwayFixture : ProfilesFixture
{
    internal Halfway Halfway => Services.GetRequiredService<Halfway>();

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        var halfway = new Halfway();
        s.AddSingleton(halfway);
        s.ConfigureDbContext<PostgreSqlProfilesDbContext>(o => o.AddInterceptors(halfway));
    }
}

sealed class Halfway : DbCommandInterceptor
{
    public const string Header = "X-Test-Halfway";

    readonly HttpContextAccessor current = new();

    public Func<Task> Do { private get; set; } = () => Task.CompletedTask;

    public override async ValueTask<int> NonQueryExecutedAsync(DbCommand command, CommandExecutedEventData eventData, int result,
        CancellationToken cancellationToken = default)
    {
        if (command.CommandText.Contains("DELETE FROM sessions", StringComparison.Ordinal) &&
            current.HttpContext?.Request.Headers.Remove(Header) is true)
            await Do();
        return result;
    }
}

/// <summary>Rows are locked in one order, so that requests cannot deadlock.</summary>
[Trait("Database", "PostgreSql")]
public sealed class EndSessionDeadlockTests(HalfwayFixture app) : TestBase<HalfwayFixture>
{
    [Theory]
    [InlineData("/me/sessions")]
    [InlineData("/me/sessions/{0}")]
    public async Task The_account_can_be_deleted_while_sessions_end(string path)
    {
        var user = await app.CreateUserAsync();
        var other = await app.LogInAsync(user, "Another phone");
        using var client = app.ClientFor(user);
        var deleted = Task.FromResult<HttpResponseMessage>(null!);
        app.Halfway.Do = async () =>
        {
            deleted = client.SendAsync(new(HttpMethod.Delete, "/me") { Content = JsonContent.Create(new { password = user.Password }) },
                Cancellation);
            while (!deleted.IsCompleted && await app.QueryAsync(db => db.Database
                .SqlQuery<int>($"""
                    SELECT count(*)::int AS "Value" FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'
                    """).SingleAsync(Cancellation)) == 0)
                await Task.Delay(10, Cancellation);
        };
        using var request = new HttpRequestMessage(HttpMethod.Delete, string.Format(path, other.SessionId));
        request.Headers.Add(Halfway.Header, "1");
        (await client.SendAsync(request, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await deleted).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.Id == user.Id))).ShouldBe(0);
    }
}
