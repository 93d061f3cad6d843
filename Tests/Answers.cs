using System.Net;
using System.Text.Json;
using Profiles.Infrastructure.Errors;

namespace Profiles.Tests;

/// <summary>Reads answers as a client does: status, media type, JSON by its wire names.</summary>
static class Answers
{
    /// <summary>The body of an answer with this status.</summary>
    public static async Task<JsonElement> ShouldBeAsync(this HttpResponseMessage response, HttpStatusCode status)
    {
        var body = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(status, body);
        using var json = JsonDocument.Parse(body);
        return json.RootElement.Clone();
    }

    /// <summary>Asserts the form of every error (RFC 9457), and its sentence when one is given.</summary>
    public static async Task<JsonElement> ShouldBeProblemAsync(this HttpResponseMessage response, HttpStatusCode status,
        string? detail = null)
    {
        var problem = await response.ShouldBeAsync(status);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        problem.GetProperty("type").GetString().ShouldNotBeNullOrEmpty();
        problem.GetProperty("title").GetString().ShouldNotBeNullOrEmpty();
        problem.GetProperty("status").GetInt32().ShouldBe((int)status);
        problem.GetProperty("trace_id").GetString().ShouldNotBeNullOrEmpty();
        problem.GetProperty("detail").GetString().ShouldNotBeNullOrEmpty();
        ShouldHaveCodes(problem, status);
        // RFC 9110, 15.5.2: a 401 says how to authenticate.
        if (status == HttpStatusCode.Unauthorized)
            response.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Bearer");
        if (detail is not null)
            problem.GetProperty("detail").GetString().ShouldBe(detail);
        return problem;
    }

    // The catalogue has the code for this status, and each refused field has its own code.
    static void ShouldHaveCodes(JsonElement problem, HttpStatusCode status)
    {
        var known = ErrorCodes.All.Where(e => e.Status == (int)status || ErrorCodes.OfStatus((int)status) == e)
            .Select(e => e.Code).ToArray();
        var code = problem.GetProperty("code").GetString();
        known.ShouldContain(code);
        // A sentence of the catalogue comes with its code.
        if (ErrorCodes.All.FirstOrDefault(e => e.Status == (int)status &&
            e.Sentence == problem.GetProperty("detail").GetString()) is { } error)
            code.ShouldBe(error.Code);
        problem.TryGetProperty("errors", out var errors).ShouldBe(problem.TryGetProperty("error_codes", out var codes));
        if (errors.ValueKind != JsonValueKind.Object)
            return;
        codes.EnumerateObject().Select(c => c.Name).ShouldBe(errors.EnumerateObject().Select(e => e.Name));
        codes.EnumerateObject().SelectMany(c => c.Value.EnumerateArray()).ShouldAllBe(c => known.Contains(c.GetString()));
    }

    /// <summary>Asserts a 400 that names exactly these fields.</summary>
    public static async Task ShouldRefuseFieldsAsync(this HttpResponseMessage response, params string[] fields)
    {
        var problem = await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).Order().ShouldBe(fields.Order());
    }

    /// <summary>The member names of an object, in order.</summary>
    public static IEnumerable<string> Names(this JsonElement json) => json.EnumerateObject().Select(m => m.Name);
}
