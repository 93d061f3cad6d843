using System.Net;
using Microsoft.EntityFrameworkCore;

namespace Profiles.Tests.Features.SubmitDeletion;

public sealed class SubmitDeletionTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task The_right_address_and_password_delete_the_account()
    {
        var user = await app.CreateUserAsync();
        using var client = app.ClientFor(user);
        await client.UploadForUrlAsync(TestImage.Bytes("upright.jpg"), Cancellation);
        var response = await SubmitAsync(user.Email.ToUpperInvariant(), user.Password);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync(Cancellation)).ShouldContain("Your account has been deleted.");
        await (await client.GetAsync("/me", Cancellation)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        (await ExistsAsync(user)).ShouldBeFalse();
        Directory.EnumerateFiles(app.ImageDirectory, $"{user.Id}*").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_address_get_the_same_answer_and_delete_nothing()
    {
        var user = await app.CreateUserAsync();
        var answers = new List<string>();
        (string, string)[] attempts =
            [(user.Email, "wrong password"), ("nobody@example.com", user.Password), (user.Email, new string('x', 100))];
        foreach (var (email, password) in attempts)
        {
            var response = await SubmitAsync(email, password);
            response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            answers.Add(await response.Content.ReadAsStringAsync(Cancellation));
        }
        answers.Distinct().ShouldHaveSingleItem().ShouldContain("Invalid email or password");
        answers[0].ShouldNotContain("example.com");
        (await ExistsAsync(user)).ShouldBeTrue();
    }

    [Fact]
    public async Task With_a_second_factor_a_code_is_needed_and_its_absence_looks_like_a_wrong_password()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var user = enrolled.User;
        var answers = new List<string>();
        foreach (var (password, code) in new[]
        {
            (user.Password, ""), (user.Password, app.WrongCode(enrolled)), (user.Password, "4T7J-QX2M-9KCD-0VWA"),
            ("wrong password", await app.CodeAsync(enrolled)), (user.Password, new string('1', 10_000)),
        })
        {
            var response = await SubmitAsync(user.Email, password, code: code);
            response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            answers.Add(await response.Content.ReadAsStringAsync(Cancellation));
        }
        answers.Distinct().ShouldHaveSingleItem().ShouldContain("Invalid email or password");
        (await ExistsAsync(user)).ShouldBeTrue();
        (await SubmitAsync(user.Email, user.Password, code: await app.CodeAsync(enrolled))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ExistsAsync(user)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_recovery_code_does_as_well_and_a_code_that_was_used_does_not()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var user = enrolled.User;
        var code = await app.CodeAsync(enrolled);
        await (await app.SendCodeAsync(await app.MfaTokenAsync(user), code)).ShouldBeAsync(HttpStatusCode.OK);
        (await SubmitAsync(user.Email, user.Password, code: code)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await SubmitAsync(user.Email, user.Password, code: enrolled.RecoveryCodes[9])).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ExistsAsync(user)).ShouldBeFalse();
    }

    [Fact]
    public async Task The_owner_is_told_of_a_recovery_code_that_did_not_lead_to_the_deletion()
    {
        var enrolled = await app.CreateEnrolledAsync();
        var user = enrolled.User;
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, app.Clock.GetUtcNow().UtcDateTime)));
        var left = await CodesAsync();
        (await SubmitAsync(user.Email, user.Password, code: enrolled.RecoveryCodes[3])).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await CodesAsync()).ShouldBe(left - 1);
        (await app.EventsAsync(user)).ShouldContain(Profiles.Data.SecurityEventKind.RecoveryCodeUsed);
        await app.MailAsync(user.Email, "A recovery code was used");

        Task<int> CodesAsync() => app.QueryAsync(db => db.RecoveryCodes.CountAsync(c => c.UserId == user.Id));
    }

    [Fact]
    public async Task An_account_without_a_password_is_not_deleted_here_and_everybody_is_told_where()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.PasswordHash, "")));
        var (without, unknown) = (await SubmitAsync(user.Email, user.Password), await SubmitAsync("nobody@example.com", user.Password));
        (without.StatusCode, unknown.StatusCode).ShouldBe((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden));
        var page = await without.Content.ReadAsStringAsync(Cancellation);
        page.ShouldBe(await unknown.Content.ReadAsStringAsync(Cancellation));
        page.ShouldContain("An account without a password is deleted in the app");
        (await ExistsAsync(user)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "https://profiles.example.evil.example")]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    public async Task A_form_from_another_site_is_refused_and_nothing_is_deleted(string header, string value)
    {
        var user = await app.CreateUserAsync();
        (await SubmitAsync(user.Email, user.Password, (header, value))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await ExistsAsync(user)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("Origin", "https://profiles.example")]
    [InlineData("Sec-Fetch-Site", "same-origin")]
    public async Task A_form_from_the_page_itself_is_accepted(string header, string value)
    {
        var user = await app.CreateUserAsync();
        (await SubmitAsync(user.Email, user.Password, (header, value))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ExistsAsync(user)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("email=a%40b.example")]
    [InlineData("password=12345678")]
    [InlineData("email=a%40b.example&email=c%40d.example&password=12345678")]
    [InlineData("email=a%00%40b.example&password=12345678")]
    public async Task An_incomplete_form_is_400(string form)
    {
        var response = await app.Client.PostAsync("/account/deletion",
            new StringContent(form, System.Text.Encoding.UTF8, "application/x-www-form-urlencoded"), Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
    }

    [Fact]
    public async Task Another_media_type_is_415() =>
        await (await app.Client.PostAsync("/account/deletion", new StringContent("{}", System.Text.Encoding.UTF8, "application/json"),
            Cancellation)).ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);

    Task<HttpResponseMessage> SubmitAsync(
        string email, string password, (string Name, string Value)? header = null, string? code = null)
    {
        var fields = new Dictionary<string, string> { ["email"] = email, ["password"] = password };
        // A browser sends an empty field, too.
        if (code is not null)
            fields["code"] = code;
        var form = new FormUrlEncodedContent(fields);
        var request = new HttpRequestMessage(HttpMethod.Post, "/account/deletion") { Content = form };
        if (header is var (name, value))
            request.Headers.Add(name, value);
        return app.Client.SendAsync(request, Cancellation);
    }

    Task<bool> ExistsAsync(TestUser user) => app.QueryAsync(db => db.Users.AnyAsync(u => u.Id == user.Id));
}

/// <summary>Uses the page in a real browser on a real server, without scripts.</summary>
// The database plays no part: one engine is enough.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class SubmitDeletionInBrowserTests
{
    [Fact]
    public async Task Someone_without_the_app_deletes_the_account_after_a_mistyped_password()
    {
        await using var server = await ServerProcess.StartAsync();
        await using var browser = await Browser.StartAsync(server.Address, scripts: false);
        using var user = await ServerUser.SignUpAsync(server, TestContext.Current.CancellationToken);
        var me = await (await user.Client.GetAsync("/me", TestContext.Current.CancellationToken)).ShouldBeAsync(HttpStatusCode.OK);
        var page = browser.Page;

        await page.GotoAsync(new Uri(server.Address, "/account/deletion").ToString());
        await SubmitAsync("mistyped password");
        (await page.GetByRole(Microsoft.Playwright.AriaRole.Alert).InnerTextAsync()).ShouldBe("Invalid email or password");
        await (await user.Client.GetAsync("/me", TestContext.Current.CancellationToken)).ShouldBeAsync(HttpStatusCode.OK);
        await SubmitAsync("correct horse battery staple");
        (await page.GetByRole(Microsoft.Playwright.AriaRole.Status).InnerTextAsync()).ShouldBe("Your account has been deleted.");
        await (await user.Client.GetAsync("/me", TestContext.Current.CancellationToken)).ShouldBeProblemAsync(HttpStatusCode.Unauthorized);
        // The browser reports a 403 on its console.
        browser.Complaints.Where(c => !c.Contains("403", StringComparison.Ordinal)).ShouldBeEmpty();

        async Task SubmitAsync(string password)
        {
            await page.GetByLabel("E-mail address").FillAsync(me.GetProperty("email").GetString()!);
            await page.GetByLabel("Password").FillAsync(password);
            await page.GetByRole(Microsoft.Playwright.AriaRole.Button).ClickAsync();
        }
    }
}
