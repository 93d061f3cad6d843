namespace Profiles.Infrastructure.Errors;

/// <summary>Writes problem details whatever the client accepts: a body that it can ignore is better than none.</summary>
sealed class ProblemWriter : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) => true;

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        Problems.Complete(context.ProblemDetails, http);
        http.Response.StatusCode = context.ProblemDetails.Status!.Value;
        await http.Response.WriteAsJsonAsync(
            context.ProblemDetails, context.ProblemDetails.GetType(), options: null, Problems.ContentType, CancellationToken.None);
    }
}
