using System.Net;
using Profiles.Tests.Infrastructure.Identities;

namespace Profiles.Tests.Features.ListIdentities;

public sealed class ListIdentitiesTests(IdentitiesFixture app) : TestBase<IdentitiesFixture>
{
    [Fact]
    public async Task Only_the_callers_own_are_listed_without_what_identifies_them_there()
    {
        await app.UserOfAsync(await app.LogInAsync(app.TokenOf("apple")));
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        (await (await client.GetAsync("/me/identities", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("identities").GetArrayLength().ShouldBe(0);
        var token = app.TokenOf("google", null, ("email", "someone.else@gmail.com"), ("email_verified", true));
        await (await app.LinkAsync(user, token)).ShouldBeAsync(HttpStatusCode.Created);
        await (await app.LinkAsync(user, app.TokenOf("company"))).ShouldBeAsync(HttpStatusCode.Created);
        await (await app.LogInAsync(app.TokenOf("google", token.Subject))).ShouldBeAsync(HttpStatusCode.OK);

        var listed = (await (await client.GetAsync("/me/identities", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("identities").EnumerateArray().ToArray();
        listed.Select(i => i.GetProperty("provider").GetString()).ShouldBe(["google", "company"]);
        listed[0].Names().ShouldBe(["id", "provider", "email", "created_at", "last_used_at"]);
        listed[0].GetProperty("email").GetString().ShouldBe("someone.else@gmail.com");
        listed[0].GetProperty("last_used_at").GetDateTimeOffset().ShouldBe(app.Clock.GetUtcNow(), TimeSpan.FromMinutes(1));
        listed[1].GetProperty("last_used_at").ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        await (await app.Client.GetAsync("/me/identities", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
    }
}
